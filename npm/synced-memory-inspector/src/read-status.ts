import type { Status } from 'synced-memory';
import type { InspectedMemory } from './inspected-memory.js';
import type { ProcessStatus } from './protocol.js';

/** The most names of one list that a page gets. */
const MAX_NAMES = 100;
/** The age in milliseconds from which on a status is read again. */
const MAX_AGE_MS = 1000;

/**
 * Reads the status of a memory at most once a second: that costs the number of attributes and of pending mutations, and each row of
 * a page asks for it.
 */
export class StatusReader {
  readonly #memory: InspectedMemory;
  #last: { readonly status: Status; readonly readAt: number } | undefined;

  constructor(memory: InspectedMemory) {
    this.#memory = memory;
  }

  /** The status as of the last second. */
  read(): Status {
    if (this.#last === undefined || performance.now() - this.#last.readAt > MAX_AGE_MS) {
      this.#last = { status: this.#memory.$status, readAt: performance.now() };
    }
    return this.#last.status;
  }

  /** Lets the next call read it anew. */
  expire(): void {
    this.#last = undefined;
  }

  /** The status as pages get it. */
  forPage(): ProcessStatus {
    const { state, backend, pending, pendingBytes, unknown, stale, unreadable, lastError, capabilities, sideKeys } =
      this.read();
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
}
