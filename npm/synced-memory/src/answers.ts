import type { SyncedMemoryError } from './errors.js';

/** What the core answers by number, and what it answers with. */
export interface AnswerMap {
  /** How long an attribute stays: milliseconds, true for ever, false where there is none. */
  lifetime: number | boolean;
  /** How many replicas have what has been acknowledged. */
  replicated: number;
  /** What an `$increment` led to. */
  incremented: number | bigint;
  /** A transaction is committed. */
  committed: undefined;
}

/** Who waits for one answer. */
export interface Asker<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
}

/** Who waits for what the core answers by number. */
export class Answers {
  readonly #askers = new Map<string, Asker<never>>();

  /** Resolves with the answer of this number. */
  to<K extends keyof AnswerMap>(kind: K, number: number): Promise<AnswerMap[K]> {
    return new Promise((resolve, reject) => this.expect(kind, number, { resolve, reject }));
  }

  expect<K extends keyof AnswerMap>(kind: K, number: number, asker: Asker<AnswerMap[K]>): void {
    this.#askers.set(kind + number, asker);
  }

  /** The answer has come: an error, or else `answer`. */
  give<K extends keyof AnswerMap>(kind: K, number: number, answer: AnswerMap[K], error?: SyncedMemoryError): void {
    const asker = this.#askers.get(kind + number);
    this.#askers.delete(kind + number);
    if (error === undefined) asker?.resolve(answer as never);
    else asker?.reject(error);
  }

  /** Rejects everybody: no answers will come. */
  abandon(error: SyncedMemoryError): void {
    for (const asker of this.#askers.values()) asker.reject(error);
    this.#askers.clear();
  }
}
