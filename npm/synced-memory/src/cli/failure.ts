import { isPassing, SyncedMemoryError } from '../base/errors.js';

/** The exit codes, which scripts can rely on. */
export const EXIT = { ok: 0, failed: 1, usage: 2, absent: 3, unreachable: 4, brokenPipe: 141 } as const;

/** Codes of errors that say that no server was reached, or that it accepts no work from this user. */
const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'ERR_UNREACHABLE',
  'ERR_BUSY',
  'ERR_TIMEOUT',
  'ERR_AUTH',
  'ERR_DATABASE',
  'ERR_NOT_REDIS',
  'ERR_NOT_CLUSTER',
  'ERR_TLS',
  'ERR_CERTIFICATE',
]);

/** Codes of errors about arguments. */
const USAGE_CODES: ReadonlySet<string> = new Set(['ERR_OPTIONS', 'ERR_RESERVED_NAME']);

/** An error of the command line itself: the message is for the user, without a stack trace. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  /** A code for programs, beside those of SyncedMemoryError. */
  readonly code: string;

  constructor(message: string, exitCode: number = EXIT.failed, code = 'ERR_COMMAND') {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** An error of somebody who used the command wrongly. */
export function usageError(message: string): CommandError {
  return new CommandError(message, EXIT.usage, 'ERR_USAGE');
}

/** An error that there is nothing at a path. */
export function absentError(message: string): CommandError {
  return new CommandError(message, EXIT.absent, 'ERR_NOT_THERE');
}

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (!(error instanceof SyncedMemoryError)) return EXIT.failed;
  if (CONNECTION_CODES.has(error.code)) return EXIT.unreachable;
  if (USAGE_CODES.has(error.code)) return EXIT.usage;
  return error.code === 'ERR_NOT_FOUND' ? EXIT.absent : EXIT.failed;
}

/** Why a memory could not be opened, without what the message says about the options of `open`. */
export function openingReason({ code, cause, message }: SyncedMemoryError): string {
  if (!isPassing(code)) return message;
  const reason = cause instanceof Error ? cause.message : message;
  return reason.replace(/; (trying again|openTimeout sets .*)$/s, '');
}

/** True for an error after which nothing more can be learned from the server. */
export function isConnectionError({ code }: SyncedMemoryError): boolean {
  return CONNECTION_CODES.has(code);
}

/** The error of a system call: a full disk, a file that is not there. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}
