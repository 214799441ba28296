import type { Reply } from '../engine/transport.js';

/** A reply by which the server refused a command. */
export interface ErrorReply {
  readonly message: string;
}

/** True for a reply by which the server refused a command. */
export function isErrorReply(reply: Reply | undefined): reply is ErrorReply {
  return typeof reply === 'object' && reply !== null && 'message' in reply;
}

/** The beginning of a server's error message: `WRONGTYPE Operation against a key …`. */
const SERVER_ERROR = /^[A-Z][A-Z0-9]+( |$)/;

/** Converts an error that a client rejected with: an error of the server becomes a reply, any other is thrown again. */
export function toErrorReply(error: unknown): ErrorReply {
  if (error instanceof Error && SERVER_ERROR.test(error.message)) return { message: error.message };
  throw error;
}
