import type { Clock } from '../base/clock.js';

/** A command for a Redis-compatible server: its name and its arguments, as text or bytes. */
export type Command = (string | Uint8Array)[];

/** A server's reply to one command: null, an integer, text, bytes, an array of replies, or an error with its message. */
export type Reply = null | number | bigint | string | Uint8Array | Reply[] | { readonly message: string };

/** Receives what arrives on a subscription. */
export interface Listener {
  /** A message was published on the channel. */
  message(text: string): void;
  /** These keys were changed without a message. Called by transports that learn of such writes. */
  changed(keys: string[]): void;
  /** The subscription has ended. The memory subscribes again, and reads what it missed. */
  lost(error?: unknown): void;
}

/**
 * Carries commands to a Redis-compatible server. A transport need not be reliable: if it rejects, does not settle, or resolves with
 * something else than replies, the commands are sent again, and every mutation is still applied once.
 */
export interface Transport {
  /**
   * Executes commands in order. Resolves with one reply for each command; a refusal of the server is a reply with a `message`.
   * Strings should be bytes (`Uint8Array`) if the client offers them: stored text that is not UTF-8 can be edited only then.
   * Rejects if the server cannot be reached. `signal` aborts when the replies are no longer needed.
   */
  execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]>;
  /**
   * Subscribes to a channel. Resolves when every later message reaches `listener`, with a function that ends the subscription.
   * `signal` aborts when the subscription is no longer needed. Without this method, a memory sees changes of other writers
   * by polling, or by `$sync()`.
   */
  subscribe?(channel: string, listener: Listener, signal?: AbortSignal): Promise<() => void>;
  /** True if listeners learn of every write, also of those without a message. `$status` shows it. Default: false. */
  readonly notifiesAllWrites?: boolean;
  /** True if the server is a cluster, whose scripts may use keys of one slot only. Default: false. */
  readonly isCluster?: boolean;
  /**
   * Interval at which the memory polls for writes without a message, in milliseconds. A poll is one request, whatever the number
   * of attributes. Default: no polling; `$sync()` finds such writes.
   */
  readonly pollIntervalMs?: number;
  /**
   * The time for which the transport can be used. `request`: no longer than the request that it was made for. Its memories send a commit
   * again for at most 15 minutes, and make no request that their commits do not need: they neither read the server's eviction
   * policy nor shorten the life of their idempotency keys when they close. Default: `process`.
   */
  readonly lifetime?: 'process' | 'request';
  /** Source of time, timers and randomness for the memories on this transport, for tests. Default: the runtime's own. */
  readonly clock?: Clock;
  /** Called when the last memory on this transport is closed. */
  close?(): Promise<void> | void;
}
