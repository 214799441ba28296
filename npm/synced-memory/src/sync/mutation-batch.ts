/**
 * A batch of mutations as JSON text. Successive appends to one list become one mutation, and so do successive insertions at the
 * start of one list.
 */
export class MutationBatch {
  /** The pieces of the text: to join them once takes less time than to append each to a string. Each mutation ends in a comma. */
  #pieces: string[] = [];
  #length = 0;
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
    return this.#length + this.#prependedLength;
  }

  /** Adds one mutation, of which `head` and `rest` are the text without its closing bracket. */
  add(head: string, rest: string): void {
    if (this.#openList !== undefined) this.#closeOpenMutation();
    this.#pieces.push(head, rest, '],');
    this.#length += head.length + rest.length + 2;
    this.#count++;
  }

  #addPiece(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** Adds values at the end of `list`. `head` returns the text of the mutation up to its values. */
  append(list: object, head: () => string, values: string): void {
    if (this.#openList === list && this.#prepended.length === 0) {
      this.#pieces.push(',', values);
      this.#length += values.length + 1;
      return;
    }
    this.#open(list, head());
    this.#addPiece(values);
  }

  /** Inserts values at the start of `list`. `head` returns the text of the mutation up to its values. */
  prepend(list: object, head: () => string, values: string): void {
    if (this.#openList !== list || this.#prepended.length === 0) {
      this.#open(list, head());
    }
    this.#prepended.push(values);
    this.#prependedLength += values.length + 1;
  }

  /** Moves all mutations of another batch to the end of this one. */
  join(other: MutationBatch): void {
    if (this.#openList !== undefined) this.#closeOpenMutation();
    this.#count += other.count;
    this.#addPiece(other.#takeText());
  }

  /** Returns the text, a JSON array, and empties the batch. */
  take(): string {
    return `[${this.#takeText().slice(0, -1)}]`;
  }

  #takeText(): string {
    if (this.#openList !== undefined) this.#closeOpenMutation();
    const text = this.#pieces.join('');
    this.#pieces = [];
    this.#length = 0;
    this.#count = 0;
    return text;
  }

  #open(list: object, head: string): void {
    if (this.#openList !== undefined) this.#closeOpenMutation();
    this.#openList = list;
    this.#addPiece(`${head}[`);
    this.#count++;
  }

  #closeOpenMutation(): void {
    this.#addPiece(`${this.#prepended.reverse().join()}]],`);
    this.#openList = undefined;
    this.#prepended = [];
    this.#prependedLength = 0;
  }
}
