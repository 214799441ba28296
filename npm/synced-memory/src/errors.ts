/** Where in a memory something happened: keys and indexes from the attribute's value down. */
export type Path = readonly (string | number)[];

/**
 * Message templates by code. `place` is the attribute and path as a reader would write them (`tasks[3].due`), `detail`
 * is what only the place that throws knows. Every message says what happened and what to do about it.
 */
const messages = {
  ERR_NOT_SERIALIZABLE: (place, detail) => `${place}: ${detail}`,
  ERR_TOO_DEEP: (place) =>
    `${place}: nested deeper than 512 containers; flatten it or spread it over several attributes`,
  ERR_TOO_LARGE: (place, detail) =>
    `${place}: the document would exceed ${detail} bytes; spread it over several attributes or raise maxDocumentBytes`,
  ERR_QUEUE_FULL: (place, detail) =>
    `${place}: ${detail} bytes of mutations wait for the server already; await $flush(), or raise maxPendingBytes`,
  ERR_RESERVED_NAME: (place) =>
    `"${place}" is not a name for an attribute: use one that is not empty, does not start with $ or _ and holds no ":"`,
  ERR_MALFORMED: (place, detail) =>
    `${place}: what is stored is not a document (${detail}); assign the attribute to replace it`,
  ERR_WRONG_TYPE: (place, detail) => `${place}: ${detail}; assign the attribute to replace it`,
  ERR_AUTH: (_, detail) => `the server refused the login (${detail}); check user and password in the URL`,
  ERR_TLS: (_, detail) => detail,
  ERR_OPTIONS: (_, detail) => detail,
  ERR_REFUSED: (place, detail) => `${place}: the server refused the commit for good (${detail}); it was rolled back`,
  ERR_OUTCOME_UNKNOWN: (place, detail) => `${place}: ${detail}`,
  ERR_UNAVAILABLE: (_, detail) =>
    `the server cannot be reached (${detail}); mutations are kept and sent when it is back`,
  ERR_FILE: (_, detail) => `the embedded file cannot be used (${detail}); check its folder and permissions`,
  ERR_CLOSED: () => 'this memory is closed; open another one',
  ERR_TIMEOUT: (place, detail) =>
    `${place}: not acknowledged within ${detail} ms; it stays queued, $flush() waits for it`,
  ERR_REPLICAS: (_, detail) => detail,
  ERR_DETACHED: (place) =>
    `${place}: this list or dict is no longer part of the memory (removed or replaced); read it again from the memory`,
  ERR_CONFLICT: (place, detail) => `${place}: ${detail}; it was taken back, try again`,
  ERR_CROSS_SLOT: (_, detail) => detail,
  ERR_NOT_A_NUMBER: (place) => `${place}: is not a number; $increment adds to numbers only`,
  ERR_SCHEMA: (place, detail) => `${place}: ${detail}`,
  ERR_OUT_OF_RANGE: (place, detail) => `${place}: ${detail}`,
  ERR_NOT_FOUND: (place, detail) => `${place}: ${detail}`,
  ERR_NOT_SUPPORTED: (place, detail) => `${place}: ${detail}`,
  ERR_ADDON: (_, detail) => `the native addon cannot be loaded: ${detail}`,
  ERR_INTERNAL: (place, detail) => `${place}: ${detail}; this is a bug in synced-memory, please report it`,
} satisfies Record<string, (place: string, detail: string) => string>;

/** Stable codes of {@link SyncedMemoryError}. */
export type ErrorCode = keyof typeof messages;

/** Every error that synced-memory throws or reports. Branch on `code`; the message is for people. */
export class SyncedMemoryError extends Error {
  override readonly name = 'SyncedMemoryError';
  readonly code: string;
  /** The attribute it is about, where it is about one. */
  declare readonly attribute?: string;
  /** Keys and indexes from the attribute's value to the place, where there is one. */
  declare readonly path?: (string | number)[];

  constructor(code: string, message: string, where: { attribute?: string; path?: Path; cause?: unknown } = {}) {
    super(message, 'cause' in where ? { cause: where.cause } : undefined);
    this.code = code;
    if (where.attribute !== undefined) this.attribute = where.attribute;
    if (where.path !== undefined) this.path = [...where.path];
  }

  /** The same for an error with `code` and `message` that the addon threw; other errors become ERR_INTERNAL. */
  static from(error: unknown, attribute?: string): SyncedMemoryError {
    if (error instanceof SyncedMemoryError) return error;
    const where = attribute === undefined ? { cause: error } : { attribute, cause: error };
    const { code, message } = Object(error) as { code?: unknown; message?: unknown };
    if (typeof code === 'string' && code.startsWith('ERR_')) return new SyncedMemoryError(code, String(message), where);
    const text = messages.ERR_INTERNAL(attribute ?? 'synced-memory', String(message ?? error));
    return new SyncedMemoryError('ERR_INTERNAL', text, where);
  }
}

/** An error worded by the template of its code. `attribute` and `path` say where, `detail` fills the template. */
export function syncedError(code: ErrorCode, detail = '', attribute?: string, path?: Path): SyncedMemoryError {
  const template: (place: string, detail: string) => string = messages[code];
  const message = template(attribute === undefined ? 'synced-memory' : formatPath(attribute, path ?? []), detail);
  return new SyncedMemoryError(code, message, {
    ...(attribute === undefined ? {} : { attribute }),
    ...(path === undefined ? {} : { path }),
  });
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
