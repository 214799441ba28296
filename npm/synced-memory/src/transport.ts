import type { Clock } from './clock.js';

/** A command for a Redis-compatible server: its name and arguments, bytes where they are not UTF-8. */
export type Command = (string | Uint8Array)[];

/** What a server replied to one command: null, an integer, a string, an array of such, or an error. */
export type Reply = null | number | bigint | string | Uint8Array | Reply[] | { readonly message: string };

/** What is told to who listens to a channel. */
export interface Listener {
  /** What somebody published there. */
  message(text: string): void;
  /** Keys that somebody changed without publishing it, where the transport learns of that. */
  changed(keys: string[]): void;
  /** Nothing more will come. The memory subscribes again, and finds out what it missed. */
  lost(error?: unknown): void;
}

/**
 * What carries commands to a server. It need not be reliable: one that rejects, never settles, or gives something else
 * than replies is asked again, and every mutation is applied once all the same.
 */
export interface Transport {
  /**
   * Carries out commands in order; gives one reply for each, where the server refused one an error with its message.
   * Strings should come as bytes where that is to be had: a stored text that is not UTF-8 cannot be edited otherwise.
   * Rejects where the server cannot be reached. `signal` says that nobody waits any more.
   */
  execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]>;
  /**
   * Listens to a channel of the server: resolves once every message from now on comes to `listener`, with a function
   * that ends it. `signal` says that nobody waits for it any more. Where there is none, a memory sees what others change by
   * `$sync()`.
   */
  subscribe?(channel: string, listener: Listener, signal?: AbortSignal): Promise<() => void>;
  /** Is every `listener` told of keys that are changed without a message, too? Only for `$status`. */
  readonly tellsOfAll?: boolean;
  /**
   * After how many milliseconds to look again for what is changed without a message; without it, that shows with
   * `$sync()`. A look is one request, however many attributes there are.
   */
  readonly lookEvery?: number;
  /** The time that memories on this transport go by; the runtime's own without it. For tests. */
  readonly clock?: Clock;
  /** Called when the memory is closed. */
  close?(): Promise<void> | void;
}

/** What a server refused. */
export function isError(reply: Reply | undefined): reply is { readonly message: string } {
  return typeof reply === 'object' && reply !== null && 'message' in reply;
}

/** An error as a server words it: `WRONGTYPE Operation against a key …`. */
const SERVER_ERROR = /^[A-Z][A-Z0-9]+( |$)/;

/** What a client rejected a command with: the server's own error is a reply, everything else is thrown on. */
export function errorReply(error: unknown): Reply {
  if (error instanceof Error && SERVER_ERROR.test(error.message)) return { message: error.message };
  throw error;
}

/** Are these replies to so many commands? */
export function areReplies(replies: unknown, count: number): replies is Reply[] {
  return Array.isArray(replies) && replies.length === count && replies.every(isReply);
}

function isReply(value: unknown): value is Reply {
  switch (typeof value) {
    case 'string':
    case 'bigint':
      return true;
    case 'number':
      return Number.isSafeInteger(value);
    case 'object':
      if (value === null || ArrayBuffer.isView(value)) return true;
      return Array.isArray(value) ? value.every(isReply) : typeof (value as { message?: unknown }).message === 'string';
    default:
      return false;
  }
}
