import type { Clock } from '../clock.js';

/** How long to wait before what failed is tried again: about twice as long each time, up to the longest. */
export class Backoff {
  private failures = 0;

  /** Both in milliseconds. */
  constructor(
    private readonly clock: Clock,
    private readonly first: number,
    private readonly longest: number,
  ) {}

  /** Milliseconds. */
  next(): number {
    const most = Math.min(this.first * 2 ** this.failures++, this.longest);
    return most / 2 + (most / 2) * this.clock.random();
  }

  reset(): void {
    this.failures = 0;
  }
}
