import type { EventMap } from './events.js';
import type { Status } from './store.js';

/** What `$flush` takes. */
export interface FlushOptions {
  /** Milliseconds to wait at most; without it for ever, or with `replicas` as long as the memory's `timeout`. */
  timeout?: number;
  /** Replicas that must have it, too, so that a fail-over cannot lose it; 0 without it. */
  replicas?: number;
}

/** What every memory has beside its attributes: all names start with `$`, which no attribute's name does. */
export interface MemoryMethods {
  /**
   * Resolves when everything mutated so far is acknowledged. Rejects with the server's refusal where it took back some
   * of it, once the rest is acknowledged; with ERR_TIMEOUT after `timeout` milliseconds, and what is pending stays
   * queued. With `replicas`, rejects with ERR_REPLICAS where not so many have it in time, or where a fail-over lost some
   * of it meanwhile; it asks by WAIT, at most 100 milliseconds at a time, during which the connection does nothing else.
   */
  $flush(options?: FlushOptions): Promise<void>;
  /** The same, blocking the thread; `timeout` is that of the memory where it is not given. */
  $flushSync(timeout?: number): void;
  /** Flushes, then catches up with the server as of now: changed attributes, new ones and deleted ones. */
  $sync(): Promise<void>;
  /** Loads attributes, or catches up with them. Resolves when they are current as of now. */
  $load(names: readonly string[]): Promise<void>;
  /**
   * Flushes for at most `exitTimeout`, then ends the connection: what is not acknowledged by then is lost, and this
   * rejects. Mutations throw ERR_CLOSED from then on.
   */
  $close(): Promise<void>;
  /** Calls `listener` on every such event, until the function that this gives is called. */
  $on<E extends keyof EventMap>(event: E, listener: (payload: EventMap[E]) => void): () => void;
  /** How the memory is doing now. */
  readonly $status: Status;
  /** The attribute's confirmed revision: nanoseconds since 1970 when it was written last; undefined where it is absent. */
  $lastModified(name: string): bigint | undefined;
  /** `$close` by `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** `$flushSync` and close, by `using`. */
  [Symbol.dispose](): void;
}

/** Any attributes. */
// biome-ignore lint/suspicious/noExplicitAny: a memory opened without a type lets everything through, as JSON.parse does.
export type AnyState = Record<string, any>;

/** An open memory: its methods, and its attributes as own properties. S is the attributes' shape. */
export type Memory<S extends object = AnyState> = MemoryMethods & S;
