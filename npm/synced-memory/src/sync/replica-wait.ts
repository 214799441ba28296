import { MAX_TIMER_MS } from '../base/clock.js';
import { isPassing, SyncedMemoryError, syncedError } from '../base/errors.js';
import type { CoreConnection } from './core-connection.js';

/** Longest time for one request, in milliseconds. The server answers nothing else on the connection meanwhile. */
const MAX_REQUEST_MS = 100;

/**
 * Resolves when `wanted` replicas have every acknowledged mutation. Rejects with ERR_REPLICAS at `deadline` (a monotonic time of the
 * connection's clock), or if a fail-over lost acknowledged data meanwhile.
 */
export async function waitForReplicas(connection: CoreConnection, wanted: number, deadline: number): Promise<void> {
  const { state, requests, clock } = connection;
  const { regressions } = state;
  let count = 0;
  let cause: SyncedMemoryError | undefined;
  for (;;) {
    const left = Math.ceil(deadline - clock.monotonic());
    if (left <= 0) break;
    try {
      const waitMs = Math.min(left, MAX_REQUEST_MS);
      const request = connection.request((session) => session.replicate(wanted, waitMs));
      count = await within(left, requests.result('replicated', request), connection);
      cause = undefined;
    } catch (error) {
      cause = SyncedMemoryError.from(error);
      // A lost connection can come back.
      if (!isPassing(cause.code) && cause.code !== 'ERR_REPLICAS') throw cause;
      // A node of a cluster that is away is refused at once.
      if (isPassing(cause.code)) await pause(Math.min(left, MAX_REQUEST_MS), connection);
    }
    if (state.regressions !== regressions) {
      const detail =
        'a fail-over lost acknowledged mutations before the replicas had them; check the data and write again';
      throw syncedError('ERR_REPLICAS', detail);
    }
    if (cause === undefined && count >= wanted) return;
  }
  const message = `${count} of ${wanted} replicas have what was acknowledged; it is stored, and the others receive it when they can`;
  throw new SyncedMemoryError('ERR_REPLICAS', message, cause === undefined ? {} : { cause });
}

function pause(ms: number, { clock }: CoreConnection): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** Settles with `result`, or rejects with ERR_REPLICAS after `ms` milliseconds. */
async function within<T>(ms: number, result: Promise<T>, { clock }: CoreConnection): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(syncedError('ERR_REPLICAS', 'the server did not answer in time'));
    cancel = clock.after(Math.min(ms, MAX_TIMER_MS), giveUp);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    cancel();
  }
}
