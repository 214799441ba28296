/** Where in a memory something happened: keys and indexes from the attribute's value down. */
export type Path = readonly (string | number)[];

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
  | 'ERR_TLS'
  | 'ERR_OPTIONS'
  | 'ERR_REFUSED'
  | 'ERR_OUTCOME_UNKNOWN'
  | 'ERR_UNAVAILABLE'
  | 'ERR_FILE'
  | 'ERR_CLOSED'
  | 'ERR_TIMEOUT'
  | 'ERR_REPLICAS'
  | 'ERR_DETACHED'
  | 'ERR_CONFLICT'
  | 'ERR_CROSS_SLOT'
  | 'ERR_NOT_A_NUMBER'
  | 'ERR_SCHEMA'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_NOT_FOUND'
  | 'ERR_NOT_SUPPORTED'
  | 'ERR_ADDON'
  | 'ERR_INTERNAL';

/**
 * Message templates by code, where it is more than `<place>: <detail>`. `place` is the attribute and path as a reader would
 * write them (`tasks[3].due`), `detail` is what only the place that throws knows. Every message says what happened and what
 * to do about it. What the core refuses it words itself.
 */
const messages: { readonly [code in ErrorCode]?: (place: string, detail: string) => string } = {
  ERR_TOO_DEEP: (place) =>
    `${place}: nested deeper than 512 containers; flatten it or spread it over several attributes`,
  ERR_QUEUE_FULL: (place, detail) =>
    `${place}: ${detail} bytes of mutations wait for the server already; await $flush(), or raise maxPendingBytes`,
  ERR_RESERVED_NAME: (place) =>
    `"${place}" is not a name for an attribute: use one that is not empty, does not start with $ or _ and holds no ":"`,
  ERR_CLOSED: () => 'this memory is closed; open another one',
  ERR_TIMEOUT: (place, detail) =>
    `${place}: not acknowledged within ${detail} ms; it stays queued, $flush() waits for it`,
  ERR_REPLICAS: (_, detail) => detail,
  ERR_DETACHED: (place) =>
    `${place}: this list or dict is no longer part of the memory (removed or replaced); read it again from the memory`,
  ERR_CONFLICT: (place, detail) => `${place}: ${detail}; it was taken back, try again`,
  ERR_INTERNAL: (place, detail) => `${place}: ${detail}; this is a bug in synced-memory, please report it`,
};

interface Where {
  readonly attribute?: string | undefined;
  readonly path?: Path | undefined;
  readonly cause?: unknown;
}

/** Every error that synced-memory throws or reports. Branch on `code`; the message is for people. */
export class SyncedMemoryError extends Error {
  override readonly name = 'SyncedMemoryError';
  readonly code: string;
  /** The attribute it is about, where it is about one. */
  declare readonly attribute?: string;
  /** Keys and indexes from the attribute's value to the place, where there is one. */
  declare readonly path?: (string | number)[];

  constructor(code: string, message: string, where: Where = {}) {
    super(message, where);
    this.code = code;
    if (where.attribute !== undefined) this.attribute = where.attribute;
    if (where.path !== undefined) this.path = [...where.path];
  }

  /** The same for an error with `code` and `message` that the core threw; other errors become ERR_INTERNAL. */
  static from(error: unknown, attribute?: string): SyncedMemoryError {
    if (error instanceof SyncedMemoryError) return error;
    const { code, message = error } = Object(error) as { code?: unknown; message?: unknown };
    const where = { attribute, cause: error };
    if (typeof code === 'string' && code.startsWith('ERR_')) return new SyncedMemoryError(code, String(message), where);
    const bug = syncedError('ERR_INTERNAL', String(message), attribute);
    return new SyncedMemoryError(bug.code, bug.message, where);
  }
}

/** An error worded by the template of its code. `attribute` and `path` say where, `detail` fills the template. */
export function syncedError(code: ErrorCode, detail = '', attribute?: string, path?: Path): SyncedMemoryError {
  const place = attribute === undefined ? 'synced-memory' : formatPath(attribute, path ?? []);
  const message = messages[code]?.(place, detail) ?? `${place}: ${detail}`;
  return new SyncedMemoryError(code, message, { attribute, path });
}

/** An error of who opens a memory or calls one of its methods. */
export function optionsError(message: string): SyncedMemoryError {
  return new SyncedMemoryError('ERR_OPTIONS', message);
}

/** `tasks[3].due`: a place as one would write it in JavaScript. */
export function formatPath(attribute: string, path: Path): string {
  let text = attribute;
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) text += `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}
