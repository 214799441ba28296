/// <reference lib="esnext.disposable" preserve="true" />
import type { AnyState, NameOf } from '../base/any-state.js';
import type { Change } from '../changes/describe-change.js';
import type { ListenerOptions } from '../changes/event-listeners.js';
import type { EventMap } from '../changes/event-map.js';
import type { Snapshot } from '../mirror/snapshot.js';
import type { History, HistoryQuery } from './history.js';
import type { InferredState, InferringScopeOptions } from './inferred-state.js';
import type { ListedWriter } from './listed-writer.js';
import type { ScopeOptions } from './open-options.js';
import type { Schemas } from './schema.js';
import type { ElementOf, ExistingPath, ListPath, NumberPath, PathName, StatePath, ValueAt } from './state-path.js';
import type { Status } from './status.js';
import type { Storable } from './storable.js';

export type { AnyState, Snapshot };

/** Options of `$flush`. */
export interface FlushOptions {
  /** Longest wait, in milliseconds. Default: no limit; with `replicas`, the memory's `timeout`. */
  timeout?: number;
  /** Number of replicas that must have everything, too, so that a fail-over cannot lose it. Default: 0. */
  replicas?: number;
}

/** Options of `$transaction` and `$update`. */
export interface TransactionOptions {
  /** Greatest number of attempts before the transaction rejects with ERR_CONFLICT. Default: 100. */
  attempts?: number;
}

/** The methods of every memory. Their names begin with `$`, which no attribute's name does. */
export interface MemoryMethods<S extends object = AnyState> {
  /**
   * Resolves when every mutation made so far is acknowledged.
   *
   * Rejects with the server's refusal (ERR_REFUSED, ERR_TOO_LARGE, …) if it rejected one of them, once the others are acknowledged.
   * Rejects with ERR_TIMEOUT after `timeout` milliseconds; the mutations stay queued. With `replicas`, rejects with ERR_REPLICAS
   * if too few replicas have everything in time, or if a fail-over lost some of it. The server is asked by WAIT, for at most 100
   * milliseconds at a time, and answers nothing else on the connection meanwhile.
   */
  $flush(options?: FlushOptions): Promise<void>;
  /**
   * Blocks the thread until every mutation made so far is acknowledged. Throws what `$flush` rejects with. `timeout` is in
   * milliseconds; default: the memory's `timeout`. Throws ERR_NOT_SUPPORTED on the wasm build.
   */
  $flushSync(timeout?: number): void;
  /** Flushes, and then reads what changed on the server: changed, new and deleted attributes. */
  $sync(): Promise<void>;
  /**
   * Resolves when everything that was asked for is known: the attributes of `names`, or all that exist, and those of `$load`. `open`
   * has waited for that, unless it was called with `offline`. Rejects at once with an error that only a person can correct, such as
   * ERR_AUTH.
   */
  $ready(): Promise<void>;
  /** Loads attributes, or brings them up to date. Resolves when they are as on the server at the time of the call. */
  $load(names: readonly NameOf<S>[]): Promise<void>;
  /**
   * Flushes, lets the server forget this memory's idempotency keys in two minutes instead of a day, and closes the memory: all in at
   * most `exitTimeout`. Rejects if something was not acknowledged by then, which is lost. Later mutations throw ERR_CLOSED.
   */
  $close(): Promise<void>;
  /**
   * Calls `listener` on every event of this name. Returns a function that removes it. Listeners of `change` are called for one
   * change after the other, when everything that arrived together is applied, and get no change from before the call. With `path`, an attribute's name or a path that begins
   * with one, they are called only for changes that concern the value there. A listener does not keep the process alive: a program
   * that only watches ends at once, unless it passes `{ keepAlive: true }`. Throws ERR_OPTIONS for an unknown event or option.
   */
  $on<E extends keyof EventMap, const P extends StatePath<S> = NameOf<S>>(
    event: E,
    listener: (payload: EventMap<S, PathName<S, P>>[E]) => void,
    path?: ExistingPath<S, P> | undefined,
    options?: ListenerOptions,
  ): () => void;
  /**
   * The changes of one attribute, or of all, for `for await`. Ends when the memory is closed. The process stays alive while a
   * change is waited for. If a reader falls more than 1000 changes behind, it gets one `reload` per attribute instead.
   */
  $changes<N extends NameOf<S> = NameOf<S>>(name?: N): AsyncIterableIterator<Change<S, N>>;
  /**
   * The memory as a frozen plain object: everything that exists of what was asked for, and what was written here. Throws
   * ERR_NOT_LOADED while some of it is unknown. It shares unchanged parts with the previous snapshot, and is the same object while
   * nothing changes. Unreadable attributes are left out. With a name, that attribute as a frozen plain value, or undefined if it is absent;
   * throws if it is unreadable.
   */
  $snapshot<K extends NameOf<S> | undefined = undefined>(name?: K): K extends NameOf<S> ? Snapshot<S[K]> : Snapshot<S>;
  /**
   * Runs `fn`, which must not be async, and returns its result. All its mutations are committed together. If `fn` throws, they are
   * reverted. As single mutations do, they merge with those of other writers; if one of them cannot be kept, all are reverted,
   * each with a `conflict` event. Throws ERR_CROSS_SLOT for attributes in different slots of a cluster.
   */
  $batch<T>(fn: () => T extends PromiseLike<unknown> ? 'use $transaction for an async function' : T): T;
  /**
   * Runs `fn` on a draft of the memory as it is now. Commits the draft's mutations only if nothing that it read has changed on the
   * server; otherwise runs `fn` again. An unknown attribute that it reads is loaded, and `fn` runs again. Resolves with the result of
   * `fn`, once the commit is acknowledged; snapshots stand for parts of the draft in it.
   *
   * Rejects with what `fn` throws, with ERR_CONFLICT after `attempts` attempts, and with ERR_CROSS_SLOT for attributes in different
   * slots of a cluster; then nothing has changed. Before the first `await` of `fn`, a mutation of the memory itself throws
   * ERR_NOT_SUPPORTED, because it would not be part of the transaction. So does a transaction inside this one that changes
   * what this one has read; on edge runtimes, only one that is begun before the first `await`.
   */
  $transaction<T>(fn: (draft: S) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Runs a transaction on one attribute: `fn` changes the value in place, or returns a new one. Resolves with a snapshot of the
   * committed value. Rejects as `$transaction` does.
   */
  $update<K extends keyof S & string>(
    name: K,
    // biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is allowed
    fn: (value: S[K]) => S[K] | undefined | void | PromiseLike<S[K] | undefined | void>,
    options?: TransactionOptions,
  ): Promise<Snapshot<S[K]>>;
  /**
   * Adds `by` (default: 1) to a number, whatever other writers do to it meanwhile. An absent number counts as 0. Integers of up to
   * 37 digits are added exactly, other numbers as JavaScript adds. An unknown attribute is loaded first, for which a `$batch` cannot
   * wait: there, the increment rejects with ERR_NOT_LOADED.
   *
   * Resolves with the number that this increment produced on the server, which is different for each of several increments by 1.
   * Rejects with ERR_NOT_A_NUMBER if something else is stored there, with ERR_NOT_FOUND if a container of the path is absent, with
   * ERR_OUTCOME_UNKNOWN if the server's reply was lost, and as `$flush` does. Where nobody waits for the result, an increment that is
   * refused raises an `error` event.
   */
  $increment<const P extends StatePath<S>>(path: NumberPath<S, P>, by?: number | bigint): Promise<number | bigint>;
  /**
   * Removes the first element of a list and resolves with it; with undefined if the list is empty, or there is none. Of several
   * processes, exactly one gets each element: the server removes whichever element is the first when it applies the commit.
   *
   * The list shows the removal at once. `list.shift()` removes what this process sees, which others may have removed, too. A process
   * that dies before it has the result has lost the element: to keep it until it is done with, move it to another list in a
   * `$transaction`. While the server is unreachable, the result is awaited until it is back.
   *
   * Rejects with ERR_NOT_A_LIST if something else is at the path, with ERR_NOT_SUPPORTED inside `$batch`, with ERR_OUTCOME_UNKNOWN if
   * the server's reply was lost and it does not know any more whether the element was removed, and as `$flush` does.
   */
  $shift<const P extends StatePath<S>>(
    path: ListPath<S, P>,
  ): Promise<ElementOf<NonNullable<ValueAt<S, P>>> | undefined>;
  /** Removes the last element of a list and resolves with it, as `$shift` does with the first one. */
  $pop<const P extends StatePath<S>>(path: ListPath<S, P>): Promise<ElementOf<NonNullable<ValueAt<S, P>>> | undefined>;
  /**
   * Makes an attribute expire after so many seconds, counted from when the server receives the request, after every earlier
   * mutation is acknowledged. Mutations keep the lifetime; the option `ttl` renews it. Resolves with false if there is no such
   * attribute.
   */
  $expire(name: NameOf<S>, seconds: number): Promise<boolean>;
  /** Removes an attribute's lifetime. Resolves with false if there is no such attribute. */
  $persist(name: NameOf<S>): Promise<boolean>;
  /** Resolves with the seconds until an attribute expires; undefined if it does not expire, or is absent. */
  $ttl(name: NameOf<S>): Promise<number | undefined>;
  /**
   * Lists the processes that have this memory open and were given a name by the option `writer`, this one included. One that ends
   * without `$close` is listed for 90 seconds after its last sign of life. At most 1000 are listed.
   */
  $writers(): Promise<ListedWriter[]>;
  /**
   * The last commits of an attribute, the newest first, with what each of them changed: those that memories with the option `history`
   * have recorded. It is read after every earlier mutation is acknowledged.
   */
  $history(name: keyof S & string, query?: HistoryQuery): Promise<History>;
  /**
   * An attribute as it was at a revision, as a frozen plain value; undefined if it was absent. Rejects with ERR_NOT_FOUND if its history
   * does not lead there.
   */
  $at<K extends keyof S & string>(name: K, revision: bigint): Promise<Snapshot<S[K]> | undefined>;
  /**
   * Makes an attribute what it was at a revision, by an ordinary commit of what differs, which merges with the changes of others and
   * can be undone as any other. Resolves when it is acknowledged. Rejects with ERR_NOT_FOUND as `$at` does, and as `$flush` does.
   */
  $restore(name: keyof S & string, revision: bigint): Promise<void>;
  /** The state of the memory at this moment. Reading it changes nothing. */
  readonly $status: Status;
  /**
   * Opens the memory with the keys `<prefix><name>:…`, on the same connection. The two can be closed in either order. With `names`
   * or `defaults`, only those attributes are loaded, and the server is not searched for others. Rejects as `Memory.open` does,
   * and with ERR_NOT_SUPPORTED in blocking mode, where `PrefixedMemory.openSync` serves.
   */
  $scope<D extends object, T extends Schemas, N extends string, S extends object = InferredState<D, T, N>>(
    name: string,
    options?: InferringScopeOptions<D, T, N>,
  ): Promise<Memory<S>>;
  $scope<S extends object & Storable<S>>(name: string, options?: ScopeOptions<S>): Promise<Memory<S>>;
  /** An attribute's confirmed revision: nanoseconds since 1970 of its last change; undefined if it is absent. */
  $lastModified(name: NameOf<S>): bigint | undefined;
  /** Calls `$close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Calls `$flushSync` and closes the memory, for `using`. */
  [Symbol.dispose](): void;
}

/** The names of the methods without their `$`, except those that an attribute has: what is not there. */
type MistakenNames<S extends object> = {
  readonly [K in keyof MemoryMethods as K extends `$${infer Name}` ? Exclude<Name, keyof S> : never]: never;
};

/** An open memory: its methods, and its attributes as own properties. S is the shape of the attributes. */
export type Memory<S extends object = AnyState> = MemoryMethods<S> & S & MistakenNames<S>;
