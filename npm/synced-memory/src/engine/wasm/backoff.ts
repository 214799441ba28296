import type { Clock } from '../../base/clock.js';

/** Jittered exponential backoff: the waits between attempts at something that keeps failing. */
export class Backoff {
  #failures = 0;
  readonly #clock: Clock;
  readonly #firstMs: number;
  readonly #longestMs: number;

  constructor(clock: Clock, firstMs: number, longestMs: number) {
    this.#clock = clock;
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** The wait before the next attempt, in milliseconds: about twice the last one, up to the longest. */
  next(): number {
    const most = Math.min(this.#firstMs * 2 ** this.#failures++, this.#longestMs);
    return most / 2 + (most / 2) * this.#clock.random();
  }

  reset(): void {
    this.#failures = 0;
  }
}
