import type { SyncedMemoryError } from './errors.js';
import { hostProcess, warn } from './host.js';

/** What has mutations on their way that a process should stay for. */
export interface Pending {
  readonly pending: number;
  readonly exitTimeout: number;
  flush(timeout: number): Promise<void>;
}

const open = new Set<Pending>();
let holds = 0;
let timer: NodeJS.Timeout | undefined;

/** Keeps the process alive until the promise settles: what is waited for comes from a thread that does not. */
export async function hold<T>(promise: Promise<T>): Promise<T> {
  if (hostProcess() === undefined) return promise;
  // One timer for good: to make one for every wait would cost as much as the rest of it.
  timer ??= setInterval(() => {}, 0x7fff_ffff);
  if (holds++ === 0) timer.ref();
  try {
    return await promise;
  } finally {
    if (--holds === 0) timer.unref();
  }
}

/** From now on the process does not end by itself before this is settled, or its exitTimeout has passed. */
export function watch(pending: Pending): void {
  if (open.size === 0) hostProcess()?.on('beforeExit', stay);
  open.add(pending);
}

export function unwatch(pending: Pending): void {
  open.delete(pending);
  if (open.size === 0) hostProcess()?.off('beforeExit', stay);
}

/** Nothing else is left to do: wait for what is on its way. */
function stay(): void {
  for (const one of open) {
    if (one.pending === 0) continue;
    one.flush(one.exitTimeout).catch((error: SyncedMemoryError) => {
      // A refusal was reported when it came. Should anything be pending still, beforeExit comes again.
      if (error.code !== 'ERR_TIMEOUT') return;
      // So that beforeExit, which comes again when the loop is empty again, finds nothing to wait for.
      unwatch(one);
      warn(
        `synced-memory: the process ends with ${one.pending} mutations that were not acknowledged within exitTimeout (${one.exitTimeout} ms)`,
      );
    });
  }
}
