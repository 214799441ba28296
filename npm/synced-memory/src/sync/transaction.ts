import { type SyncedMemoryError, syncedError } from '../base/errors.js';
import { isThenable } from '../base/is-thenable.js';
import { keepProcessAlive } from '../base/process-exit.js';
import type { Mirror } from '../mirror/mirror.js';
import type { CoreConnection } from './core-connection.js';
import { detachResult } from './detach-result.js';
import type { MutationRecorder } from './mutation-recorder.js';
import { endRunning, findRunningDraft, runWithDraft } from './running-drafts.js';
import { TransactionDraft } from './transaction-draft.js';

/** Longest pause before another attempt, in milliseconds. */
const MAX_PAUSE = 50;

/** The parts of a memory that its transactions use. */
export interface TransactionHost {
  readonly mirror: Mirror;
  readonly connection: CoreConnection;
  readonly recorder: MutationRecorder;
  /** The names that the memory is restricted to. */
  readonly names: readonly string[] | undefined;
  /** Loads attributes; undefined stands for the set of names. */
  load(missing: ReadonlySet<string | undefined>): Promise<void>;
}

/**
 * Runs `fn` on drafts until one is committed on exactly what it read. Resolves with the result of `fn`, once it is acknowledged.
 * An unknown attribute that it reads is loaded, and `fn` runs again. Rejects with ERR_CONFLICT after `attempts` attempts, with what
 * `fn` throws, and with ERR_NOT_SUPPORTED for a transaction inside another one that would keep the outer one from ever being
 * committed; then nothing has changed.
 */
export async function runTransaction<T>(
  host: TransactionHost,
  fn: (draft: TransactionDraft) => T | PromiseLike<T>,
  attempts: number,
): Promise<T> {
  const { mirror, connection, recorder, names } = host;
  const outer = recorder.runningDraft ?? findRunningDraft(mirror);
  for (let attempt = 1; ; attempt++) {
    const draft = new TransactionDraft(mirror, names, outer);
    let result: T | PromiseLike<T> | undefined;
    try {
      result = callWith(draft, recorder, fn);
      // Without this await, a synchronous function cannot be interrupted by changes.
      if (isThenable(result)) result = await result;
      result = detachResult(result, draft.mirror);
    } catch (error) {
      if (draft.missing.size === 0) throw error;
    } finally {
      endRunning();
      draft.end();
    }
    if (draft.missing.size > 0) {
      await host.load(draft.missing);
      attempt--;
      continue;
    }
    if (!draft.reliesOnAnything()) return result as T;
    draft.checkChangesInside();
    // Once its function has ended, the outer one is one beside this one.
    if (outer?.isEnded === false) outer.checkChangesInside(draft.changedNames);
    const isCurrent = draft.isCurrent();
    if (isCurrent) {
      try {
        await keepProcessAlive(commit(draft, mirror, connection));
        outer?.noteChangesInside(draft.changedNames);
        return result as T;
      } catch (error) {
        if ((error as SyncedMemoryError).code !== 'ERR_CONFLICT') throw error;
      }
    }
    if (attempt >= attempts) {
      throw syncedError('ERR_CONFLICT', `other writers changed what the transaction read, ${attempts} times in a row`);
    }
    // Where documents have changed, the core waits: for a random time, or for the writers that have reserved the next commits.
    if (!isCurrent || draft.reliesOnNames) await keepProcessAlive(pause(attempt, connection));
  }
}

/** Calls `fn`. Until it returns, at its first `await` or at its end, what it does to the memory itself is known. */
function callWith<T>(draft: TransactionDraft, recorder: MutationRecorder, fn: (draft: TransactionDraft) => T): T {
  const outer = recorder.runningDraft;
  recorder.runningDraft = draft;
  try {
    return runWithDraft(draft, () => fn(draft));
  } finally {
    recorder.runningDraft = outer;
  }
}

/**
 * Submits the draft and repeats its edits on the memory. A draft that only read is submitted, too: the server confirms that what it
 * read is stored. Rejects with ERR_CONFLICT if something it relied on has changed, once the memory has the change.
 */
async function commit(draft: TransactionDraft, mirror: Mirror, connection: CoreConnection): Promise<void> {
  const { mutations, edits, reliesOnNames } = draft;
  const { id } = connection.submitGroup({ mutations, isTransaction: true, reliesOnNames, reads: draft.readsOnly() });
  for (const { name, path, edit } of edits) {
    mirror.applyEdit(name, path, edit, true);
    connection.state.pendingAttributes.add(name, connection.lastMutation);
  }
  await connection.requests.result('committed', id);
}

/** Resolves after a random time, so that conflicting writers go on at different times. */
function pause(attempt: number, { clock }: CoreConnection): Promise<void> {
  const ms = clock.random() * Math.min(2 ** attempt, MAX_PAUSE);
  return new Promise((resolve) => void clock.after(ms, resolve));
}
