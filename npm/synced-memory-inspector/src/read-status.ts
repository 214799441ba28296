import type { InspectedMemory } from './inspected-memory.js';
import type { ProcessStatus } from './protocol.js';

/** The most names of one list that a page gets. */
const MAX_NAMES = 100;

/** The status of a memory, as pages get it. */
export function readStatus(memory: InspectedMemory): ProcessStatus {
  const { state, backend, pending, pendingBytes, unknown, stale, unreadable, lastError, capabilities, sideKeys } =
    memory.$status;
  const some = (names: readonly string[]) => names.slice(0, MAX_NAMES);
  return {
    state,
    backend,
    pending,
    pendingBytes,
    unknown: some(unknown),
    stale: some(stale),
    unreadable: some(unreadable),
    ...(lastError && { lastError: `${lastError.code}: ${lastError.message}` }),
    ...(capabilities && { capabilities: { ...capabilities } }),
    ...(sideKeys && { sideKeys: { ...sideKeys } }),
  };
}
