import type { Clock } from '../base/clock.js';

/** The timer of the runtime. A test runner may put another in its place later. */
const { setTimeout } = globalThis;

/** A clock that stands still until {@link VirtualClock.advance} moves it: for the memories of a {@link TestServer}. */
export class VirtualClock implements Clock {
  readonly #timers = new Set<{ at: number; call: () => void }>();
  readonly #start: number;
  #elapsed = 0;

  /** `start` is the first time, in milliseconds since 1970. */
  constructor(
    start = Date.UTC(2026, 0, 1),
    readonly random: () => number = Math.random,
  ) {
    this.#start = start;
  }

  unix(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#elapsed + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves the time on by this many milliseconds, and runs the timers that are due on the way, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.call();
      await settled();
    }
    this.#elapsed = Math.max(this.#elapsed, end);
  }
}

/** Resolves when all work is done that waits neither for a timer nor for I/O. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
