import type { SyncedMemoryError } from './errors.js';

interface Waiter {
  done: () => boolean;
  /** A refusal of a mutation up to this number ends the wait; 0: none does. */
  mark: number;
  resolve: () => void;
  reject: (error: SyncedMemoryError) => void;
}

/** Who waits for something that the core is going to report. */
export class Waiters {
  private readonly waiters = new Set<Waiter>();

  /** Resolves once `done` says so, rejects after `timeout` milliseconds. */
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
        this.waiters.delete(waiter);
        settle();
      };
      const waiter: Waiter = { done, mark, resolve: () => end(resolve), reject: (error) => end(() => reject(error)) };
      if (timeout !== undefined) timer = setTimeout(() => waiter.reject(timedOut(timeout)), timeout);
      this.waiters.add(waiter);
    });
  }

  /** Tells of refusals until the function that this gives is called: for who waits in a loop of its own. */
  addSync(mark: number, reject: (error: SyncedMemoryError) => void): () => void {
    const waiter: Waiter = { done: () => false, mark, resolve: () => {}, reject };
    this.waiters.add(waiter);
    return () => this.waiters.delete(waiter);
  }

  /** Resolves all that are done. */
  settle(): void {
    for (const waiter of [...this.waiters]) if (waiter.done()) waiter.resolve();
  }

  /** Rejects who waits for mutation `number`; without a number, everybody. */
  refuse(error: SyncedMemoryError, number = 0): void {
    for (const waiter of [...this.waiters]) if (waiter.mark >= number) waiter.reject(error);
  }
}
