/** Mutations made since the last submit, as wire text. Successive appends to one list become one mutation. */
export class Batch {
  #text = '';
  /** The list that the last mutation appends to; its text is still open. */
  #list: object | undefined;
  /** How many mutations there are. */
  count = 0;

  /** Adds one mutation, complete. */
  add(mutation: string): void {
    this.#close();
    this.#text += this.count === 0 ? mutation : `,${mutation}`;
    this.count++;
  }

  /** Adds values to the end of `list`; `head` makes the mutation's text up to its values. */
  append(list: object, head: () => string, values: string): void {
    if (this.#list === list) {
      this.#text += `,${values}`;
      return;
    }
    this.add(`${head()}[${values}`);
    this.#list = list;
  }

  /** Adds all mutations of another batch, and empties that. */
  join(other: Batch): void {
    const { count } = other;
    if (count === 0) return;
    this.add(other.take().slice(1, -1));
    this.count += count - 1;
  }

  /** The batch as text; empties it. */
  take(): string {
    this.#close();
    const text = `[${this.#text}]`;
    this.#text = '';
    this.count = 0;
    return text;
  }

  #close(): void {
    if (this.#list === undefined) return;
    this.#text += ']]';
    this.#list = undefined;
  }
}
