import { syncedError } from '../base/errors.js';
import type { Recorder } from '../mirror/recorder.js';
import type { CoreConnection } from './core-connection.js';
import type { OpenBatch } from './open-batch.js';
import type { MutationResult } from './pending-requests.js';
import type { SizeLimits } from './size-limits.js';
import type { TransactionDraft } from './transaction-draft.js';

/** Length of a batch, in UTF-16 code units, that is submitted before the current task of JavaScript ends. */
const MAX_BATCH_UNITS = 1 << 18;

/** Records local mutations: in the open `$batch`, or else for the next submission to the core. */
export class MutationRecorder implements Recorder {
  /** The innermost open batch. */
  openBatch: OpenBatch | undefined;
  /** The draft of the transaction whose function is running now. */
  runningDraft: TransactionDraft | undefined;
  readonly #connection: CoreConnection;
  readonly #limits: SizeLimits;
  readonly #isBlocking: boolean;

  /** In blocking mode, a mutation is acknowledged before `record` returns. */
  constructor(connection: CoreConnection, limits: SizeLimits, isBlocking: boolean) {
    this.#connection = connection;
    this.#limits = limits;
    this.#isBlocking = isBlocking;
  }

  admit(name: string, units: number, text: () => string): void {
    this.#connection.checkOpen();
    if (this.runningDraft !== undefined) {
      const detail = `this mutation is of the memory and not of the draft, so it is not part of the transaction; mutate the draft that the function gets: draft.${name}`;
      throw syncedError('ERR_NOT_SUPPORTED', detail, name);
    }
    // The core does not know yet what the open batch has changed. It checks the whole batch later.
    if (this.openBatch === undefined && this.#limits.mayExceedDocument(name, units)) {
      this.#connection.request((session) => session.check(text()), name);
    }
    if (this.#limits.mayExceedPending(units)) this.#checkPending(name, text());
  }

  #checkPending(name: string, text: string): void {
    this.#connection.submit();
    const pending = this.#connection.pendingBytes + (this.openBatch?.mutations.length ?? 0);
    if (this.#limits.exceedsPending(text, pending)) {
      throw syncedError('ERR_QUEUE_FULL', String(this.#limits.maxPendingBytes), name);
    }
  }

  record(name: string, head: string, rest: string): void {
    (this.openBatch?.mutations ?? this.#connection.batch).add(head, rest);
    this.#recorded(name, head.length + rest.length + 1);
  }

  recordAppend(name: string, list: object, head: () => string, values: string): void {
    (this.openBatch?.mutations ?? this.#connection.batch).append(list, head, values);
    this.#recorded(name, values.length);
  }

  recordPrepend(name: string, list: object, head: () => string, values: string): void {
    (this.openBatch?.mutations ?? this.#connection.batch).prepend(list, head, values);
    this.#recorded(name, values.length);
  }

  #recorded(name: string, units: number): void {
    this.#limits.addMutation(name, units);
    const { state, lastMutation } = this.#connection;
    state.pendingAttributes.add(name, lastMutation + (this.openBatch?.mutations.count ?? 0));
    if (this.openBatch !== undefined) return;
    if (this.#isBlocking) this.#connection.waitForSync(this.#connection.flushed(), undefined, name);
    else this.#connection.scheduleSubmit();
    // One task may make mutations without end.
    if (this.#connection.batch.length > MAX_BATCH_UNITS) this.#connection.submit();
  }

  /** The result of the next mutation, which has one. A caller that ignores it learns of an error by an event. */
  expectResult(): Promise<MutationResult> {
    const result =
      this.openBatch?.expectResult() ?? this.#connection.requests.result('result', this.#connection.lastMutation + 1);
    result.catch(() => {});
    return result;
  }
}
