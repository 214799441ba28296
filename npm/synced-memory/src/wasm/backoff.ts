import type { Clock } from '../clock.js';

/** How long to wait before what failed is tried again: about twice as long each time, up to the longest. */
export class Backoff {
  #failures = 0;
  readonly #clock: Clock;
  readonly #first: number;
  readonly #longest: number;

  /** Both in milliseconds. */
  constructor(clock: Clock, first: number, longest: number) {
    this.#clock = clock;
    this.#first = first;
    this.#longest = longest;
  }

  /** Milliseconds. */
  next(): number {
    const most = Math.min(this.#first * 2 ** this.#failures++, this.#longest);
    return most / 2 + (most / 2) * this.#clock.random();
  }

  reset(): void {
    this.#failures = 0;
  }
}
