/** UTF-8 takes at most three bytes for a UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;
/** The core keeps the text of a pending mutation, that of its edit, and the values. */
const COPIES = 3;
/** Most bytes that a pending mutation takes in the core beside its text. */
const MUTATION_OVERHEAD = 320;
/** The part of the limit after which the core is asked again: its size has what is kept to undo mutations, too. */
const UNVERIFIED_PART = 1 / 8;

/** The limits of a memory, in bytes. */
export interface SizeOptions {
  /** Greatest length of a document. */
  readonly maxDocumentBytes: number;
  /** Most bytes that unacknowledged mutations may take. */
  readonly maxPendingBytes: number;
}

/**
 * Upper bounds of the sizes of documents and of the pending mutations. They cost nothing to keep, and show when a limit is so
 * near that the core has to be asked for the exact size.
 */
export class SizeLimits {
  /** Upper bound of each document's length, in bytes. */
  readonly #documents = new Map<string, number>();
  /** A document whose bound is in `#lastBytes` and not in the map: most mutations are of the same document as the one before. */
  #lastName = '';
  #lastBytes = 0;
  /** Upper bound of what the pending mutations take, in bytes, without what is kept to undo the unverified ones. */
  #pending = 0;
  /** The part of `#pending` that was added since the core was asked. */
  #unverified = 0;
  readonly #options: SizeOptions;

  constructor(options: SizeOptions) {
    this.#options = options;
  }

  /** Greatest size of the pending mutations, in bytes. */
  get maxPendingBytes(): number {
    return this.#options.maxPendingBytes;
  }

  /** True if a mutation of `units` UTF-16 code units may make the document longer than allowed. */
  mayExceedDocument(name: string, units: number): boolean {
    if (name !== this.#lastName) this.#select(name);
    return this.#lastBytes + units * MAX_BYTES_PER_UNIT > this.#options.maxDocumentBytes;
  }

  #select(name: string): void {
    if (this.#lastBytes > 0) this.#documents.set(this.#lastName, this.#lastBytes);
    this.#lastName = name;
    this.#lastBytes = this.#documents.get(name) ?? 0;
  }

  /** True if a mutation of `units` UTF-16 code units may not fit the pending ones. */
  mayExceedPending(units: number): boolean {
    const { maxPendingBytes } = this.#options;
    const isUnverified = this.#unverified > maxPendingBytes * UNVERIFIED_PART;
    return isUnverified || this.#pending + pendingSize(units * MAX_BYTES_PER_UNIT) > maxPendingBytes;
  }

  /**
   * True if a mutation with this text does not fit the pending ones, of which the size is given. With none pending every mutation
   * fits: else some documents that are short enough could never be assigned.
   */
  exceedsPending(text: string, pendingBytes: number): boolean {
    this.#pending = pendingBytes;
    this.#unverified = 0;
    return pendingBytes > 0 && pendingBytes + pendingSize(utf8Length(text)) > this.#options.maxPendingBytes;
  }

  /** Adds a recorded mutation of `units` UTF-16 code units. */
  addMutation(name: string, units: number): void {
    const bytes = units * MAX_BYTES_PER_UNIT;
    if (name !== this.#lastName) this.#select(name);
    this.#lastBytes += bytes;
    const size = pendingSize(bytes);
    this.#pending += size;
    this.#unverified += size;
  }

  /** Sets the exact length of a document; 0 if it is absent. */
  setDocument(name: string, bytes: number): void {
    if (name === this.#lastName) this.#lastBytes = bytes;
    if (bytes === 0) this.#documents.delete(name);
    else this.#documents.set(name, bytes);
  }
}

/** Most bytes that a pending mutation with a text of this length takes. */
function pendingSize(bytes: number): number {
  return bytes * COPIES + MUTATION_OVERHEAD;
}

/** Length of a text as UTF-8, in bytes. */
function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
