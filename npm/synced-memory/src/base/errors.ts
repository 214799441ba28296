import { traceNewError } from './caller-stack.js';
import { formatPath, type Path } from './path.js';

/** Stable codes of {@link SyncedMemoryError}. */
export type ErrorCode =
  | 'ERR_NOT_SERIALIZABLE'
  | 'ERR_TOO_DEEP'
  | 'ERR_TOO_LARGE'
  | 'ERR_QUEUE_FULL'
  | 'ERR_RESERVED_NAME'
  | 'ERR_MALFORMED'
  | 'ERR_WRONG_TYPE'
  | 'ERR_AUTH'
  | 'ERR_DATABASE'
  | 'ERR_NOT_REDIS'
  | 'ERR_NOT_CLUSTER'
  | 'ERR_TLS'
  | 'ERR_CERTIFICATE'
  | 'ERR_OPTIONS'
  | 'ERR_REFUSED'
  | 'ERR_OUTCOME_UNKNOWN'
  | 'ERR_EVICTION'
  | 'ERR_UNREACHABLE'
  | 'ERR_BUSY'
  | 'ERR_FILE'
  | 'ERR_JOURNAL'
  | 'ERR_JOURNAL_FULL'
  | 'ERR_JOURNAL_IN_USE'
  | 'ERR_CLOSED'
  | 'ERR_TIMEOUT'
  | 'ERR_REPLICAS'
  | 'ERR_CHANGED_AFTER_ASSIGN'
  | 'ERR_NOT_LOADED'
  | 'ERR_DETACHED'
  | 'ERR_CONFLICT'
  | 'ERR_CROSS_SLOT'
  | 'ERR_NOT_A_NUMBER'
  | 'ERR_NOT_A_LIST'
  | 'ERR_SCHEMA'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_NOT_FOUND'
  | 'ERR_NOT_SUPPORTED'
  | 'ERR_ADDON'
  | 'ERR_INTERNAL';

/** Codes of errors of a connection that only a person can correct: to wait does not help. */
const LASTING: ReadonlySet<unknown> = new Set<ErrorCode>([
  'ERR_AUTH',
  'ERR_DATABASE',
  'ERR_NOT_REDIS',
  'ERR_NOT_CLUSTER',
  'ERR_TLS',
  'ERR_CERTIFICATE',
  'ERR_REFUSED',
  'ERR_FILE',
]);

/** True for the code of an error of a connection that passes by itself. */
export function isPassing(code: unknown): boolean {
  return code === 'ERR_UNREACHABLE' || code === 'ERR_BUSY';
}

/** True for the code of an error of a connection that only a person can correct. */
export function isLasting(code: unknown): boolean {
  return LASTING.has(code);
}

/**
 * Message templates by code. A code without one has `<location>: <detail>`. `location` is the attribute and path
 * (`tasks[3].due`), `detail` is what only the throwing code knows. A message says what happened, to what, and what to do.
 * The core words its own errors.
 */
const templates: { readonly [code in ErrorCode]?: (location: string, detail: string) => string } = {
  ERR_TOO_DEEP: (location) =>
    `${location}: nested deeper than 512 containers; flatten it or spread it over several attributes`,
  ERR_QUEUE_FULL: (location, detail) =>
    `${location}: the queue of unacknowledged mutations is full (maxPendingBytes is ${detail}); await $flush(), or raise it`,
  ERR_RESERVED_NAME: (location) =>
    `"${location}" cannot be the name of an attribute: use one that is not empty, does not start with $ or _ and has no ":"`,
  ERR_CLOSED: () => 'this memory is closed; open another one',
  ERR_TIMEOUT: (location, detail) =>
    `${location}: not acknowledged within ${detail} ms; it stays queued, $flush() waits for it`,
  ERR_REPLICAS: (_, detail) => detail,
  ERR_CHANGED_AFTER_ASSIGN: (location) =>
    `${location}: the array or object that was assigned has changed since, and the memory has not: it holds a copy; change mem.${location} instead`,
  ERR_NOT_LOADED: (location, detail) => `${location}: not loaded, so what exists is unknown: ${detail}`,
  ERR_DETACHED: (location) =>
    `${location}: this list or dict is no longer part of the memory (removed or replaced); read it again from the memory`,
  ERR_CONFLICT: (location, detail) => `${location}: ${detail}; nothing was changed, try again`,
  ERR_INTERNAL: (location, detail) => `${location}: ${detail}; this is a bug in synced-memory, please report it`,
};

/** The subject of an error, and the error that caused it. */
interface ErrorDetails {
  readonly attribute?: string | undefined;
  readonly path?: Path | undefined;
  readonly cause?: unknown;
}

/** Every error that synced-memory throws or reports. Programs test `code`, which is stable; `message` is for people. */
export class SyncedMemoryError extends Error {
  override readonly name = 'SyncedMemoryError';
  /** The kind of error. docs/what-can-go-wrong.md has each code with what to do. */
  readonly code: ErrorCode;
  /** The attribute that the error is about, if it is about one. */
  declare readonly attribute?: string;
  /** Keys and indexes from the attribute's document to the value that the error is about, if it is about one. */
  declare readonly path?: (string | number)[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.code = code;
    if (details.attribute !== undefined) this.attribute = details.attribute;
    if (details.path !== undefined) this.path = [...details.path];
    // A bug of this package is found by the frames inside it.
    if (code !== 'ERR_INTERNAL') traceNewError(this);
  }

  /** Converts an error with `code` and `message` that the core threw. Any other error becomes ERR_INTERNAL. */
  static from(error: unknown, attribute?: string): SyncedMemoryError {
    if (error instanceof SyncedMemoryError) return error;
    const { code, message = error } = Object(error) as { code?: unknown; message?: unknown };
    const details = { attribute, cause: error };
    if (typeof code === 'string' && code.startsWith('ERR_')) {
      const text = attribute === undefined ? String(message) : `${attribute}: ${message}`;
      // A test checks that every code of the core is in the union.
      return new SyncedMemoryError(code as ErrorCode, text, details);
    }
    const bug = syncedError('ERR_INTERNAL', String(message), attribute);
    return new SyncedMemoryError(bug.code, bug.message, details);
  }
}

/** An error with the message template of its code. `detail` fills the template. */
export function syncedError(code: ErrorCode, detail = '', attribute?: string, path?: Path): SyncedMemoryError {
  const location = attribute === undefined ? 'synced-memory' : formatPath(attribute, path ?? []);
  const message = templates[code]?.(location, detail) ?? `${location}: ${detail}`;
  return new SyncedMemoryError(code, message, { attribute, path });
}

/** An ERR_OPTIONS: a wrong option of `open`, or a wrong argument of a method. */
export function optionsError(message: string): SyncedMemoryError {
  return new SyncedMemoryError('ERR_OPTIONS', message);
}
