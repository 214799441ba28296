/** The last entries of a sequence, numbered from 1. */
export class Ring<T extends { readonly number: number }> {
  readonly #entries: T[] = [];
  readonly #capacity: number;
  /** Number of the last entry; 0 before the first. */
  last = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Number of the oldest entry that is still there. */
  get oldest(): number {
    return Math.max(1, this.last - this.#capacity + 1);
  }

  /** Adds the entry that `make` gives for its number. */
  add(make: (number: number) => T): void {
    this.last++;
    this.#entries[this.last % this.#capacity] = make(this.last);
  }

  get(number: number): T | undefined {
    return number >= this.oldest && number <= this.last ? this.#entries[number % this.#capacity] : undefined;
  }

  /** Replaces the last entry. */
  replaceLast(entry: T): void {
    this.#entries[this.last % this.#capacity] = entry;
  }

  /** The entries after a number, the oldest first. */
  after(number: number): T[] {
    const first = Math.max(this.oldest, number + 1);
    return Array.from({ length: Math.max(0, this.last - first + 1) }, (_, index) => this.get(first + index) as T);
  }
}
