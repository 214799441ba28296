/** Number of names above which those without pending mutations are removed. */
const FIRST_SWEEP = 1024;

/** The attributes with pending mutations, each with the number of its last mutation. */
export class PendingAttributes {
  readonly #lastMutations = new Map<string, number>();
  /** Size of the map at which it is swept the next time. */
  #sweepAt = FIRST_SWEEP;
  #settled = 0;

  /** Adds a mutation of the attribute. */
  add(name: string, mutation: number): void {
    this.#lastMutations.set(name, mutation);
    if (this.#lastMutations.size < this.#sweepAt) return;
    this.#sweep();
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#lastMutations.size * 2);
  }

  /** Notes that all mutations up to this number are settled. */
  settle(mutation: number): void {
    this.#settled = mutation;
  }

  names(): string[] {
    this.#sweep();
    return [...this.#lastMutations.keys()];
  }

  #sweep(): void {
    for (const [name, mutation] of this.#lastMutations) {
      if (mutation <= this.#settled) this.#lastMutations.delete(name);
    }
  }
}
