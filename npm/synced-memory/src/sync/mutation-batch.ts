/**
 * A batch of mutations as JSON text. Successive appends to one list become one mutation, and so do successive insertions at the
 * start of one list.
 */
export class MutationBatch {
  #text = '';
  /** The list that the last mutation adds to. The text of that mutation is still open. */
  #openList: object | undefined;
  /** The values that the last mutation inserts at the start of that list, the last inserted ones last; empty for an append. */
  #prepended: string[] = [];
  /** Length of those values with their commas. */
  #prependedLength = 0;
  #count = 0;

  /** Number of mutations. */
  get count(): number {
    return this.#count;
  }

  /** Length of the text, in UTF-16 code units. */
  get length(): number {
    return this.#text.length + this.#prependedLength;
  }

  /** Adds one complete mutation. */
  add(mutation: string): void {
    this.#closeOpenMutation();
    this.#text += this.#count === 0 ? mutation : `,${mutation}`;
    this.#count++;
  }

  /** Adds values at the end of `list`. `head` returns the text of the mutation up to its values. */
  append(list: object, head: () => string, values: string): void {
    if (this.#openList === list && this.#prepended.length === 0) {
      this.#text += `,${values}`;
      return;
    }
    this.add(`${head()}[${values}`);
    this.#openList = list;
  }

  /** Inserts values at the start of `list`. `head` returns the text of the mutation up to its values. */
  prepend(list: object, head: () => string, values: string): void {
    if (this.#openList !== list || this.#prepended.length === 0) {
      this.add(`${head()}[`);
      this.#openList = list;
    }
    this.#prepended.push(values);
    this.#prependedLength += values.length + 1;
  }

  /** Moves all mutations of another batch to the end of this one. */
  join(other: MutationBatch): void {
    const { count } = other;
    if (count === 0) return;
    this.add(other.take().slice(1, -1));
    this.#count += count - 1;
  }

  /** Returns the text, a JSON array, and empties the batch. */
  take(): string {
    this.#closeOpenMutation();
    const text = `[${this.#text}]`;
    this.#text = '';
    this.#count = 0;
    return text;
  }

  #closeOpenMutation(): void {
    if (this.#openList === undefined) return;
    this.#text += `${this.#prepended.reverse().join()}]]`;
    this.#openList = undefined;
    this.#prepended = [];
    this.#prependedLength = 0;
  }
}
