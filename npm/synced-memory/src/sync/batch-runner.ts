import { optionsError } from '../base/errors.js';
import { isThenable } from '../base/is-thenable.js';
import type { ChangeDispatcher } from '../changes/change-dispatcher.js';
import type { Mirror } from '../mirror/mirror.js';
import type { CoreConnection } from './core-connection.js';
import type { MutationRecorder } from './mutation-recorder.js';
import { OpenBatch } from './open-batch.js';

/** Runs `$batch`: the mutations of a function are committed together, or reverted if it throws. Batches can be nested. */
export class BatchRunner {
  readonly #mirror: Mirror;
  readonly #dispatcher: ChangeDispatcher;
  readonly #connection: CoreConnection;
  readonly #recorder: MutationRecorder;

  constructor(mirror: Mirror, dispatcher: ChangeDispatcher, connection: CoreConnection, recorder: MutationRecorder) {
    this.#mirror = mirror;
    this.#dispatcher = dispatcher;
    this.#connection = connection;
    this.#recorder = recorder;
  }

  /** Runs `fn` and returns its result. What it throws is thrown, after its mutations were reverted. */
  run<T>(fn: () => T): T {
    this.#connection.checkOpen();
    const outer = this.#recorder.openBatch;
    const batch = new OpenBatch();
    const { waitingCount } = this.#dispatcher;
    this.#setOpen(batch);
    try {
      const result = fn();
      if (isThenable(result)) {
        throw optionsError('$batch takes a function that is not async; use $transaction');
      }
      this.#setOpen(outer);
      if (outer === undefined) this.#submit(batch);
      else outer.join(batch);
      return result;
    } catch (error) {
      this.#setOpen(outer);
      this.#dispatcher.forget(waitingCount);
      this.#mirror.revert(batch.undoLog);
      for (const mutation of batch.awaited) mutation.reject(error);
      throw error;
    }
  }

  #setOpen(batch: OpenBatch | undefined): void {
    this.#recorder.openBatch = batch;
    this.#mirror.undoLog = batch?.undoLog;
  }

  #submit({ mutations, awaited }: OpenBatch): void {
    if (mutations.count === 0) return;
    const { precedingMutation } = this.#connection.submitGroup({
      mutations,
      isTransaction: false,
      reliesOnNames: false,
      reads: [],
    });
    for (const mutation of awaited) {
      this.#connection.requests.add('result', precedingMutation + mutation.number, mutation);
    }
  }
}
