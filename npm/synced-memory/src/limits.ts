import { syncedError } from './errors.js';
import type { Settings } from './options.js';

/** UTF-8 takes at most three bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;
/** What a pending mutation takes beside its text, at most. */
const MUTATION_BYTES = 128;

/** What only the core knows to the byte. */
export interface Exact {
  /** Throws where the core would not take this mutation. */
  check(name: string, mutation: string): void;
  /** What the mutations take that are not acknowledged. */
  pendingBytes(): number;
}

/**
 * Refuses mutations over the limits at the line that makes them. Upper bounds are kept here and cost nothing; the core
 * is asked only where a bound comes near its limit.
 */
export class Limits {
  /** Of each document's length. */
  readonly #documents = new Map<string, number>();
  /** Of what pending mutations take. */
  #pending = 0;
  readonly #settings: Settings;
  readonly #exact: Exact;

  constructor(settings: Settings, exact: Exact) {
    this.#settings = settings;
    this.#exact = exact;
  }

  /** Throws where a mutation of about `units` UTF-16 units, whose wire text `text` makes, does not fit. */
  admit(name: string, units: number, text: () => string): void {
    const { maxDocumentBytes, maxPendingBytes } = this.#settings;
    const bytes = units * MAX_BYTES_PER_UNIT;
    if ((this.#documents.get(name) ?? 0) + bytes > maxDocumentBytes) this.#exact.check(name, text());
    if (this.#pending + bytes + MUTATION_BYTES <= maxPendingBytes) return;
    this.#pending = this.#exact.pendingBytes();
    if (this.#pending + utf8Length(text()) + MUTATION_BYTES > maxPendingBytes) {
      throw syncedError('ERR_QUEUE_FULL', String(maxPendingBytes), name);
    }
  }

  /** A mutation was made. */
  recorded(name: string, units: number): void {
    const bytes = units * MAX_BYTES_PER_UNIT;
    this.#documents.set(name, (this.#documents.get(name) ?? 0) + bytes);
    this.#pending += bytes + MUTATION_BYTES;
  }

  /** The core says how long a document is. */
  document(name: string, bytes: number): void {
    if (bytes === 0) this.#documents.delete(name);
    else this.#documents.set(name, bytes);
  }
}

/** How many bytes a text without lone surrogates takes as UTF-8. */
function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
