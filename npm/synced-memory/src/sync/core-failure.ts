import { SyncedMemoryError, syncedError } from '../base/errors.js';
import { nameSome } from '../base/name-some.js';

/** The error of a memory whose core has failed. `pending` are the attributes with unacknowledged mutations. */
export function coreFailure(cause: unknown, pending: readonly string[]): SyncedMemoryError {
  const detail = `the core failed (${(cause as Error).message}) and this memory is closed; ${describeLoss(pending)}; open it again`;
  const { code, message } = syncedError('ERR_INTERNAL', detail);
  return new SyncedMemoryError(code, message, { cause });
}

function describeLoss(pending: readonly string[]): string {
  if (pending.length === 0) return 'every mutation was acknowledged';
  return `unacknowledged mutations of ${nameSome(pending)} may be lost`;
}

/** True for an error by which the core reports a failure of its own. The core has ended the session then. */
export function isCoreFailure(error: unknown): boolean {
  return !(error instanceof SyncedMemoryError) && Object(error).code === 'ERR_INTERNAL';
}
