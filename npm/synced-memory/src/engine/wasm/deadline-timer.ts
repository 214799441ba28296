import type { Clock } from '../../base/clock.js';

/**
 * Calls back at a deadline that moves often. The timer is left as it is where the deadline moves back, so it may call back too
 * early: that costs less than a new timer for every reply.
 */
export class DeadlineTimer {
  #timer: { at: number; cancel: () => void } | undefined;
  readonly #clock: Clock;
  readonly #onDeadline: () => void;

  constructor(clock: Clock, onDeadline: () => void) {
    this.#clock = clock;
    this.#onDeadline = onDeadline;
  }

  /** Moves the deadline to a monotonic time in milliseconds; undefined for none. */
  set(at: number | undefined): void {
    if (at === undefined) {
      // A timer without a purpose may not outlive the request of an edge runtime.
      this.cancel();
      return;
    }
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.cancel();
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.monotonic()), () => {
      this.#timer = undefined;
      this.#onDeadline();
    });
    this.#timer = { at, cancel };
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
