/** Measures the longest time between two turns of the event loop, in milliseconds. */
export class BlockMeter {
  longest = 0;
  #last = performance.now();
  #timer = setInterval(() => this.lap(), 1);

  lap() {
    const now = performance.now();
    this.longest = Math.max(this.longest, now - this.#last);
    this.#last = now;
  }

  stop() {
    this.lap();
    clearInterval(this.#timer);
    return this.longest;
  }
}
