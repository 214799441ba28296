import { LONGEST_TIMER } from './clock.js';
import type { SyncedMemoryError } from './errors.js';

interface Waiter {
  done: () => boolean;
  /** Mutations up to this number must not have been refused when it is done. */
  mark: number;
  /** The first refusal. It does not end the wait: what was not refused is still on its way. */
  refusal?: SyncedMemoryError;
  resolve: () => void;
  reject: (error: SyncedMemoryError) => void;
}

/** Who waits for something that the core is going to report. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();

  /** Settles once `done` says so: rejects where a mutation was refused. Rejects after `timeout` milliseconds. */
  add(
    done: () => boolean,
    mark: number,
    timeout: number | undefined,
    timedOut: (ms: number) => SyncedMemoryError,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        settle();
      };
      const waiter: Waiter = { done, mark, resolve: () => end(resolve), reject: (error) => end(() => reject(error)) };
      if (timeout !== undefined && timeout <= LONGEST_TIMER) {
        timer = setTimeout(() => waiter.reject(waiter.refusal ?? timedOut(timeout)), timeout);
      }
      this.#waiters.add(waiter);
    });
  }

  /** Notes the refusal until `off` is called: for who waits in a loop of its own. */
  addSync(mark: number): { readonly refusal?: SyncedMemoryError; off: () => void } {
    const waiter = {
      done: () => false,
      mark,
      resolve: () => {},
      reject: () => {},
      off: () => this.#waiters.delete(waiter),
    };
    this.#waiters.add(waiter);
    return waiter;
  }

  /** Ends the waits that are done. */
  settle(): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.done()) continue;
      if (waiter.refusal === undefined) waiter.resolve();
      else waiter.reject(waiter.refusal);
    }
  }

  /** Mutation `number` was refused for good. */
  refuse(error: SyncedMemoryError, number: number): void {
    for (const waiter of this.#waiters) if (waiter.mark >= number) waiter.refusal ??= error;
  }

  /** Rejects everybody: what they wait for will not come. */
  abandon(error: SyncedMemoryError): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }
}
