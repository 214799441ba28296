/** Number of names above which those without pending mutations are removed. */
const FIRST_SWEEP = 1024;

/** The attributes with pending mutations, each with the number of its last mutation. */
export class PendingAttributes {
  readonly #lastMutations = new Map<string, number>();
  /** The attribute of the last mutation, whose number is not in the map yet. */
  #lastName = '';
  #lastMutation = 0;
  /** Size of the map at which it is swept the next time. */
  #sweepAt = FIRST_SWEEP;
  #settled = 0;

  /** Adds a mutation of the attribute. */
  add(name: string, mutation: number): void {
    if (name !== this.#lastName) this.#select(name);
    this.#lastMutation = mutation;
  }

  #select(name: string): void {
    this.#store();
    this.#lastName = name;
    if (this.#lastMutations.size < this.#sweepAt) return;
    this.#sweep();
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#lastMutations.size * 2);
  }

  #store(): void {
    if (this.#lastMutation > 0) this.#lastMutations.set(this.#lastName, this.#lastMutation);
  }

  /** Notes that all mutations up to this number are settled. */
  settle(mutation: number): void {
    this.#settled = mutation;
  }

  /** True if the attribute has pending mutations. */
  has(name: string): boolean {
    const last = name === this.#lastName ? this.#lastMutation : (this.#lastMutations.get(name) ?? 0);
    return last > this.#settled;
  }

  names(): string[] {
    this.#store();
    this.#sweep();
    return [...this.#lastMutations.keys()];
  }

  #sweep(): void {
    for (const [name, mutation] of this.#lastMutations) {
      if (mutation <= this.#settled) this.#lastMutations.delete(name);
    }
  }
}
