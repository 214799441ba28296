import { Draft } from './draft.js';
import { type SyncedMemoryError, syncedError } from './errors.js';
import type { Mirror } from './mirror.js';

/** The longest wait before it is tried again, in milliseconds. */
const LONGEST_PAUSE = 50;

/** What a transaction needs of its memory. */
export interface Transactor {
  readonly mirror: Mirror;
  /** Resolves when it is committed. Rejects with ERR_CONFLICT where something it relied on has changed. */
  commit(draft: Draft): Promise<void>;
}

/**
 * Runs `fn` on drafts until what it did is committed on exactly what it saw: `attempts` times at most, then rejects
 * with ERR_CONFLICT. What `fn` throws is thrown, and nothing has happened.
 */
export async function transact<T>(
  memory: Transactor,
  fn: (draft: Draft) => T | PromiseLike<T>,
  attempts: number,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const draft = new Draft(memory.mirror);
    let result: T | PromiseLike<T>;
    try {
      result = fn(draft);
      // One that waits for nothing meets no other.
      if (isThenable(result)) result = await result;
    } finally {
      draft.end();
    }
    if (draft.batch.count === 0) return result;
    if (draft.isCurrent()) {
      try {
        await memory.commit(draft);
        return result;
      } catch (error) {
        if ((error as SyncedMemoryError).code !== 'ERR_CONFLICT') throw error;
      }
    }
    if (attempt >= attempts) throw syncedError('ERR_CONFLICT', `others were faster ${attempts} times in a row`);
    // Those who met go on at different times.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** attempt, LONGEST_PAUSE)));
  }
}

/** Is it a promise, of whatever kind? */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === 'function';
}
