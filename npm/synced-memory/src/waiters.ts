import type { SyncedMemoryError } from './errors.js';

/** What somebody waits for that the core is going to report. */
export interface Goal {
  done(): boolean;
  /** Mutations up to this number must not have been refused when it is done; 0 without it. */
  readonly mark?: number;
}

/** Somebody who waits. */
export interface Waiter extends Goal {
  /** The first refusal. It does not end the wait: what was not refused is still on its way. */
  refusal?: SyncedMemoryError;
  end(error?: SyncedMemoryError): void;
}

/** Who waits for something that the core is going to report. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();

  /** Calls `settle` at the end: when it is done, with a mutation's refusal where there was one, or when it is given up. */
  add(goal: Goal, settle: (error?: SyncedMemoryError) => void): Waiter {
    const waiter: Waiter = {
      ...goal,
      end: (error) => {
        this.#waiters.delete(waiter);
        settle(error);
      },
    };
    this.#waiters.add(waiter);
    return waiter;
  }

  /** Ends the waits that are done. */
  settle(): void {
    for (const waiter of [...this.#waiters]) if (waiter.done()) waiter.end(waiter.refusal);
  }

  /** Mutation `number` was refused for good. */
  refuse(error: SyncedMemoryError, number: number): void {
    for (const waiter of this.#waiters) if ((waiter.mark ?? 0) >= number) waiter.refusal ??= error;
  }

  /** What they wait for will not come. */
  abandon(error: SyncedMemoryError): void {
    for (const waiter of [...this.#waiters]) waiter.end(error);
  }
}
