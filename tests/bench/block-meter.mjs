import { readFileSync } from 'node:fs';

/** Measures the longest time between two turns of the event loop, in milliseconds. */
export class BlockMeter {
  longest = 0;
  /** The most of such a time for which this thread had a core: other work on the machine does not lengthen it. Linux only. */
  longestWork = Number.NaN;
  #last = performance.now();
  #lastWork = workOfThread();
  #timer = setInterval(() => this.lap(), 1);

  lap() {
    const [now, work] = [performance.now(), workOfThread()];
    this.longest = Math.max(this.longest, now - this.#last);
    this.longestWork = Math.max(this.longestWork || 0, work - this.#lastWork);
    [this.#last, this.#lastWork] = [now, work];
  }

  /** Forgets what was measured so far. */
  restart() {
    this.lap();
    [this.longest, this.longestWork] = [0, 0];
  }

  stop() {
    this.lap();
    clearInterval(this.#timer);
    return this.longest;
  }
}

/** The time for which the main thread had a core, in milliseconds; NaN where the system does not say. */
function workOfThread() {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}
