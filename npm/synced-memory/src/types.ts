/// <reference lib="esnext.disposable" preserve="true" />
import type { Change } from './change.js';
import type { EventMap } from './events.js';
import type { ScopeOptions } from './options.js';
import type { Status } from './status.js';

/** What `$flush` takes. */
export interface FlushOptions {
  /** Milliseconds to wait at most; without it for ever, or with `replicas` as long as the memory's `timeout`. */
  timeout?: number;
  /** Replicas that must have it, too, so that a fail-over cannot lose it; 0 without it. */
  replicas?: number;
}

/** What `$transaction` and `$update` take. */
export interface TransactionOptions {
  /** How often it is tried before it rejects with ERR_CONFLICT; 100 without it. */
  attempts?: number;
}

/** A frozen plain value. Methods, which `SyncedList` and `SyncedDict` declare, are not in it. */
export type Snapshot<T> = 0 extends 1 & T
  ? T
  : T extends readonly (infer E)[]
    ? readonly Snapshot<E>[]
    : T extends object
      ? { readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: Snapshot<T[K]> }
      : T;

/** Where a number is: an attribute, or a path that begins with one. */
export type NumberPath<S extends object> = (keyof S & string) | readonly [keyof S & string, ...(string | number)[]];

/** What every memory has beside its attributes: all names start with `$`, which no attribute's name does. */
export interface MemoryMethods<S extends object = AnyState> {
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
  /**
   * Calls `listener` on every such event, until the function that this gives is called. Changes are told one by one,
   * after all that came together are applied; with `place`, an attribute's name or a path that begins with one, only
   * those that concern what is there.
   */
  $on<E extends keyof EventMap>(
    event: E,
    listener: (payload: EventMap[E]) => void,
    place?: string | readonly (string | number)[],
  ): () => void;
  /**
   * Changes of one attribute, or of all, for `for await`, until the memory is closed; the process stays while one is
   * waited for. Of a reader that is far behind,
   * an attribute's changes are summed up by one of kind `reload`.
   */
  $changes(name?: keyof S & string): AsyncIterableIterator<Change>;
  /**
   * The memory as a frozen plain object that shares what has not changed with the one before: the same object while
   * nothing changes. Attributes that cannot be read are left out.
   */
  $snapshot(): Snapshot<S>;
  /** The same for one attribute; undefined where there is none. */
  $snapshot<K extends keyof S & string>(name: K): Snapshot<S[K]>;
  /**
   * Runs `fn`, which must not be async, and gives what it returns: all its mutations are committed together, or none.
   * Where it throws they are undone. Like other mutations they merge with those of others; where one of them cannot be
   * kept, all are taken back, each with a `conflict` event. Mutations of attributes in different slots of a cluster
   * throw ERR_CROSS_SLOT.
   */
  $batch<T>(fn: () => T): T;
  /**
   * Runs `fn` on a draft that reads and writes like the memory as it was at one moment, and commits what it wrote only
   * if nothing it looked at has changed on the server; otherwise runs it again. Resolves with what it returned, once
   * that is acknowledged. Where it throws, nothing happens and this rejects with that.
   */
  $transaction<T>(fn: (draft: S) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
  /**
   * A `$transaction` on one attribute: `fn` changes it in place, or returns another value. Resolves with what was
   * acknowledged.
   */
  $update<K extends keyof S & string>(
    name: K,
    // biome-ignore lint/suspicious/noConfusingVoidType: it may return nothing
    fn: (value: S[K]) => S[K] | undefined | void | PromiseLike<S[K] | undefined | void>,
    options?: TransactionOptions,
  ): Promise<Snapshot<S[K]>>;
  /**
   * Adds to a number; one that is not there yet counts as 0. Whatever others do to it at the same time, nothing is lost.
   * Whole numbers of up to 37 digits are added exactly, others as JavaScript adds.
   * Resolves with what this increment made of it on the server: a different value for each, if all add 1. Rejects with
   * ERR_NOT_A_NUMBER, ERR_NOT_FOUND where a container on the way is missing, or as `$flush` does.
   */
  $increment(path: NumberPath<S>, by?: number | bigint): Promise<number | bigint>;
  /**
   * Lets an attribute expire so many seconds from when the server hears of it, which is once everything mutated before is
   * acknowledged. False where there is no such attribute. Mutations keep it; the option `ttl` renews it.
   */
  $expire(name: string, seconds: number): Promise<boolean>;
  /** Lets an attribute stay until it is deleted. False where there is no such attribute. */
  $persist(name: string): Promise<boolean>;
  /** The seconds until an attribute expires; undefined where it does not, or where there is none. */
  $ttl(name: string): Promise<number | undefined>;
  /** How the memory is doing now. */
  readonly $status: Status;
  /**
   * Opens the memory whose keys are `<prefix><name>:…`, on the same backend. Either may be closed before the other.
   * With `names` or `defaults` only those attributes are loaded, without a search for others. Rejects with
   * ERR_NOT_SUPPORTED where this memory blocks: that is what `PrefixedMemory.openSync` is for.
   */
  $scope<S extends object = AnyState>(name: string, options?: ScopeOptions): Promise<Memory<S>>;
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
export type Memory<S extends object = AnyState> = MemoryMethods<S> & S;
