import type { Answers } from './answers.js';
import { SyncedMemoryError, syncedError } from './errors.js';

/** The longest that one question holds up the connection, in milliseconds: the server answers nothing else meanwhile. */
const SLICE = 100;

/** What is known of replicas. */
interface Known {
  readonly answers: Answers;
  /** Documents that went back to an earlier revision, so far. */
  readonly losses: number;
}

/**
 * Resolves once `wanted` replicas have what has been acknowledged. `ask` asks for at most so many milliseconds and gives the
 * question's number. Rejects with ERR_REPLICAS at `deadline`, or where a fail-over lost something meanwhile.
 */
export async function replicate(
  known: Known,
  wanted: number,
  deadline: number,
  ask: (waitMs: number) => number,
): Promise<void> {
  const { losses } = known;
  let count = 0;
  let cause: SyncedMemoryError | undefined;
  for (;;) {
    const left = Math.ceil(deadline - performance.now());
    if (left <= 0) break;
    try {
      count = await within(left, known.answers.to('replicated', ask(Math.min(left, SLICE))));
      cause = undefined;
    } catch (error) {
      cause = SyncedMemoryError.from(error);
      // While there is no connection, another one may come.
      if (cause.code !== 'ERR_UNAVAILABLE' && cause.code !== 'ERR_REPLICAS') throw cause;
    }
    if (known.losses !== losses) {
      throw syncedError('ERR_REPLICAS', 'a fail-over lost acknowledged mutations before the replicas had them');
    }
    if (cause === undefined && count >= wanted) return;
  }
  const message = `${count} of ${wanted} replicas have what was acknowledged; it is stored, and replicas get it when they can`;
  throw new SyncedMemoryError('ERR_REPLICAS', message, cause === undefined ? {} : { cause });
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(syncedError('ERR_REPLICAS', 'no answer from the server')), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
