import { type Clock, MAX_TIMER_MS } from '../base/clock.js';
import type { SyncedMemoryError } from '../base/errors.js';

/** A condition that events of the core are going to fulfil. */
export interface WaitCondition {
  isMet(): boolean;
  /** Number of the last mutation that the condition is about. If one up to it is rejected, the wait fails. Default: 0. */
  readonly lastMutation?: number;
  /** The error of a wait that was given up after `ms` milliseconds. Default: ERR_TIMEOUT. */
  timeoutError?(ms: number): SyncedMemoryError;
}

/** A wait for a condition. */
export interface PendingWait extends WaitCondition {
  /** Error of the first rejected mutation. It does not end the wait, because other mutations are still pending. */
  rejection?: SyncedMemoryError;
  end(error?: SyncedMemoryError): void;
}

/** The waits for conditions that are not met yet. */
export class PendingWaits {
  readonly #waits = new Set<PendingWait>();

  /** Adds a wait. `onEnd` is called once: with an error if a mutation was rejected or the wait was given up. */
  add(condition: WaitCondition, onEnd: (error?: SyncedMemoryError) => void): PendingWait {
    const wait: PendingWait = {
      ...condition,
      end: (error) => {
        if (this.#waits.delete(wait)) onEnd(error);
      },
    };
    this.#waits.add(wait);
    return wait;
  }

  /** Adds a wait and returns its end as a promise. `onTimeout` is called after `ms` milliseconds, and has to end the wait. */
  promise(condition: WaitCondition, clock: Clock, ms: number, onTimeout: (wait: PendingWait) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let cancelTimer = (): void => {};
      const wait = this.add(condition, (error) => {
        cancelTimer();
        if (error === undefined) resolve();
        else reject(error);
      });
      // A longer time is no limit.
      if (ms <= MAX_TIMER_MS) cancelTimer = clock.after(ms, () => onTimeout(wait));
    });
  }

  /** Ends the waits whose condition is met. */
  endMet(): void {
    for (const wait of [...this.#waits]) if (wait.isMet()) wait.end(wait.rejection);
  }

  /** Notes that the core rejected the mutation with this number. */
  noteRejection(error: SyncedMemoryError, mutation: number): void {
    for (const wait of this.#waits) if ((wait.lastMutation ?? 0) >= mutation) wait.rejection ??= error;
  }

  /** Ends all waits with an error. */
  endAll(error: SyncedMemoryError): void {
    for (const wait of [...this.#waits]) wait.end(error);
  }
}
