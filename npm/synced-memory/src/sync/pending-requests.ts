import type { SyncedMemoryError } from '../base/errors.js';
import type { ListedWriterEvent } from './core-event.js';

/**
 * The result of a mutation that has one, in an array: the number that an `$increment` produced on the server, the element that a
 * `$shift` or `$pop` removed. Empty where there was no element.
 */
export type MutationResult = readonly unknown[];

/** The results of requests that the core answers by number, by the kind of the answering event. */
export interface RequestResults {
  /** An attribute's remaining lifetime in milliseconds; true if it does not expire, false if it is absent. */
  lifetime: number | boolean;
  /** The entries of a history, or an array of an earlier value. */
  history: readonly unknown[];
  /** Number of replicas that have every acknowledged mutation. */
  replicated: number;
  /** The writers that have the memory open. */
  writers: readonly ListedWriterEvent[] | null;
  /** The result of a mutation. */
  result: MutationResult;
  /** A transaction was committed. */
  committed: undefined;
}

/** The two ends of a request that waits for its result. */
export interface PendingRequest<T> {
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests that the core has not answered yet, by kind and number. */
export class PendingRequests {
  readonly #requests = new Map<string, PendingRequest<never>>();

  /** Resolves with the result of the request, or rejects with its error. */
  result<K extends keyof RequestResults>(kind: K, number: number): Promise<RequestResults[K]> {
    return new Promise((resolve, reject) => this.add(kind, number, { resolve, reject }));
  }

  add<K extends keyof RequestResults>(kind: K, number: number, request: PendingRequest<RequestResults[K]>): void {
    this.#requests.set(kind + number, request);
  }

  resolve<K extends keyof RequestResults>(kind: K, number: number, result: RequestResults[K]): void {
    this.#take(kind, number)?.resolve(result as never);
  }

  reject(kind: keyof RequestResults, number: number, error: SyncedMemoryError): void {
    this.#take(kind, number)?.reject(error);
  }

  /** Rejects all requests. */
  rejectAll(error: SyncedMemoryError): void {
    for (const request of this.#requests.values()) request.reject(error);
    this.#requests.clear();
  }

  #take(kind: keyof RequestResults, number: number): PendingRequest<never> | undefined {
    const request = this.#requests.get(kind + number);
    this.#requests.delete(kind + number);
    return request;
  }
}
