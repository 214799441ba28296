import { type ErrorCode, SyncedMemoryError } from '../base/errors.js';
import type { KnownAttributes } from '../mirror/known-attributes.js';
import type { CoreConnection } from '../sync/core-connection.js';
import type { WaitCondition } from '../sync/pending-waits.js';

/** Waits until everything that a memory asked for is known. */
export class Readiness {
  readonly #connection: CoreConnection;
  readonly #known: KnownAttributes;

  constructor(connection: CoreConnection, known: KnownAttributes) {
    this.#connection = connection;
    this.#known = known;
  }

  /**
   * Rejects with ERR_UNREACHABLE or ERR_BUSY after `timeout` milliseconds, and at once with an error that only a person can correct.
   */
  async wait(timeout?: number): Promise<void> {
    await this.#connection.waitFor(this.#condition(), timeout);
    this.#checkRefusal();
  }

  /** Blocks the thread. Throws where {@link wait} rejects. */
  waitSync(timeout: number): void {
    this.#connection.waitForSync(this.#condition(), timeout);
    this.#checkRefusal();
  }

  #condition(): WaitCondition {
    const { state } = this.#connection;
    return {
      isMet: () => this.#known.isReady || state.refusal !== undefined,
      timeoutError: (ms) => notLoaded(ms, state.lastError),
    };
  }

  #checkRefusal(): void {
    const { refusal } = this.#connection.state;
    if (!this.#known.isReady && refusal !== undefined) throw refusal;
  }
}

/** The error of a memory that was not loaded within `ms` milliseconds. `cause` is the last failure of its backend. */
function notLoaded(ms: number, cause: SyncedMemoryError | undefined): SyncedMemoryError {
  const reason = cause?.message.replace(/; (trying|connecting) again$/, '') ?? 'the server has not answered';
  const [code, remedy]: [ErrorCode, string] =
    cause?.code === 'ERR_BUSY' ? ['ERR_BUSY', ''] : ['ERR_UNREACHABLE', 'start the server or correct the URL; '];
  const details = cause === undefined ? {} : { cause };
  const message = `not loaded within ${ms} ms: ${reason}; ${remedy}openTimeout sets how long to wait, and offline: true opens a memory without its server`;
  return new SyncedMemoryError(code, message, details);
}
