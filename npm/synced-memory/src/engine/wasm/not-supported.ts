import { SyncedMemoryError } from '../../base/errors.js';

/** The error of a memory that asks for a journal. */
export function journalError(): SyncedMemoryError {
  return new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    'journal is a local file, which the wasm build cannot write; leave it out, or use the native addon',
  );
}

/** The error of a call that blocks the thread, such as `$flushSync`. */
export function blockingError(call: string): SyncedMemoryError {
  return new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${call} blocks, which the wasm build cannot do; use Memory.open and await $flush(), or the native addon`,
  );
}
