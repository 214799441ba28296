import { optionsError, type SyncedMemoryError } from './errors.js';
import type { Schemas } from './schema.js';
import type { Transport } from './transport.js';

/** What `Memory.open` takes. */
export interface OpenOptions {
  /**
   * Where the state lives: `redis://[user:password@]host[:port][/db]`, `rediss://…`, `redis+unix:///path`,
   * `redis+cluster://[user:password@]node1[:port],node2[:port]` (some of the cluster's nodes; `rediss+cluster:` with TLS),
   * `redis+sentinel://[user:password@]sentinel1[:port],sentinel2[:port]/name-of-the-master[/db]` (`rediss+sentinel:` with
   * TLS; the login is the servers', and the sentinels' where they want one), `file:path/of.db` or `memory:[//name]`. Without it: SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST and REDIS_PORT, and
   * then the embedded file `.synced-memory/memory.db`, which NODE_ENV=production rules out.
   */
  url?: string;
  /** Certificates for `rediss:`. */
  tls?: TlsOptions;
  /** What carries commands to the server instead, in the wasm build. */
  transport?: Transport;
  /** What keys start with; REDIS_PREFIX or `memory:` without it. */
  prefix?: string;
  /** The attributes to load; all that are there without it. */
  names?: readonly string[];
  /** Attributes to create where they are absent; the server decides, so that processes that start at once agree. */
  defaults?: object;
  /**
   * Validators of attributes, by the Standard Schema (zod, valibot, arktype): a mutation that would break one throws
   * ERR_SCHEMA and changes nothing. What others store that breaks it can be read, and raises an `error` event. Each
   * mutation of such an attribute costs a validation of all of it.
   */
  schema?: Schemas | undefined;
  /** Seconds that an attribute stays after the last commit to it by this memory; without it as long as it would have. */
  ttl?: number;
  /** The most bytes of JSON text that one attribute may have; 64 MiB without it. */
  maxDocumentBytes?: number;
  /**
   * The most bytes that mutations may take which are not acknowledged; 128 MiB without it. A mutation past it throws
   * ERR_QUEUE_FULL; none is dropped.
   */
  maxPendingBytes?: number;
  /** Milliseconds that blocking calls and `openSync` wait for the server, Infinity for ever; 5000 without it. */
  timeout?: number;
  /**
   * Milliseconds that `$close`, and a process which has nothing else to do, wait for mutations on their way, Infinity
   * for ever; 10000 without it.
   */
  exitTimeout?: number;
  /** Called with every error that nobody is there to be thrown at, as `$on('error')` listeners are. */
  onError?: (error: SyncedMemoryError) => void;
}

/** What `$scope` takes; what is left out, but for names, defaults and schema, is as in the memory that it is a scope of. */
export interface ScopeOptions
  extends Pick<
    OpenOptions,
    'schema' | 'ttl' | 'maxDocumentBytes' | 'maxPendingBytes' | 'timeout' | 'exitTimeout' | 'onError'
  > {
  /** The attributes to load; without it those of `defaults`, or else all that are there. */
  names?: readonly string[];
  /** Attributes to create where they are absent; the server decides. */
  defaults?: object;
}

/** Certificates and keys as PEM text. */
export interface TlsOptions {
  /** The authorities that may have signed the server's certificate; without it SSL_CERT_FILE, or those everybody trusts. */
  ca?: string;
  /** This client's certificate, with its `key`, where the server asks for one. */
  cert?: string;
  key?: string;
}

/** Options with every default filled in. */
export interface Settings
  extends Required<Omit<OpenOptions, 'defaults' | 'names' | 'onError' | 'schema' | 'tls' | 'transport' | 'ttl'>> {
  /** What the keys start with of all that share a connection; `prefix` starts with it. */
  base: string;
  schema?: Schemas | undefined;
  ttlMs?: number;
  tls?: TlsOptions;
  defaults?: object;
  names?: readonly string[];
  transport?: Transport;
  onError?: (error: SyncedMemoryError) => void;
}

/** What an entry point knows where nothing is said. */
export interface Defaults {
  /** Throws ERR_OPTIONS where there is no server to be known. */
  url(): string;
  prefix(): string | undefined;
}

/** What is an option of a memory is one of its scopes, too, but for what leads to the server. */
const knownToScopes: readonly string[] = [
  'names',
  'defaults',
  'schema',
  'ttl',
  'maxDocumentBytes',
  'maxPendingBytes',
  'timeout',
  'exitTimeout',
  'onError',
] satisfies (keyof ScopeOptions)[];

const known: readonly string[] = [
  ...(['url', 'tls', 'transport', 'prefix'] satisfies (keyof OpenOptions)[]),
  ...knownToScopes,
];

/** Fills in what the entry point knows. Throws ERR_OPTIONS. */
export function settle(options: OpenOptions | string | URL | undefined, defaults: Defaults): Settings {
  const given: OpenOptions =
    typeof options === 'string' || options instanceof URL ? { url: String(options) } : (options ?? {});
  if (typeof given !== 'object') throw optionsError('options must be an object or a URL');
  // A misspelt url would otherwise open the embedded file without a word.
  checkKeys(given, known, 'there is', 'there are');
  const { prefix, transport, url } = given;
  if (transport !== undefined) {
    if (typeof Object(transport).execute !== 'function') throw optionsError('transport must have a method execute');
    if (url !== undefined) throw optionsError('a transport knows its server: pass either url or transport');
  }
  const base = text('prefix', prefix) ?? defaults.prefix() ?? 'memory:';
  const server = transport === undefined ? (text('url', url) ?? defaults.url()) : 'transport:';
  return completed(given, { url: server, base, prefix: base });
}

/** The settings of a scope of a memory. Throws ERR_OPTIONS. */
export function settleScope(parent: Settings, scope: string, options: ScopeOptions = {}): Settings {
  if (typeof options !== 'object' || options === null) throw optionsError('options must be an object');
  checkKeys(options, knownToScopes, 'a scope has', 'it has');
  const { names: _names, defaults: _defaults, schema: _schema, url, base, prefix, ttlMs, ...inherited } = parent;
  const lifetime = ttlMs === undefined ? {} : { ttl: ttlMs / 1000 };
  const place = { url, base, prefix: scopePrefix(prefix, scope) };
  const settings = completed({ ...inherited, ...lifetime, ...options }, place);
  // Names that are known are loaded in one round trip, without asking which there are.
  if (settings.names === undefined && settings.defaults !== undefined) settings.names = Object.keys(settings.defaults);
  return settings;
}

function completed(given: OpenOptions, place: Pick<Settings, 'url' | 'base' | 'prefix'>): Settings {
  const { ttl, onError, maxDocumentBytes = 64 * 1024 * 1024 } = given;
  if (onError !== undefined && typeof onError !== 'function') throw optionsError('onError must be a function');
  if (!Number.isSafeInteger(maxDocumentBytes) || maxDocumentBytes <= 0) {
    throw optionsError('maxDocumentBytes must be a whole number above 0');
  }
  return {
    ...given,
    ...place,
    maxDocumentBytes,
    ...(ttl === undefined ? {} : { ttlMs: milliseconds('ttl', ttl) }),
    maxPendingBytes: positive('maxPendingBytes', given.maxPendingBytes, 128 * 1024 * 1024),
    timeout: positive('timeout', given.timeout, 5_000),
    exitTimeout: positive('exitTimeout', given.exitTimeout, 10_000),
  };
}

function checkKeys(options: object, known: readonly string[], no: string, all: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw optionsError(`${no} no option ${unknown}; ${all} ${known.join(', ')}`);
}

/** What the keys of a scope start with. Throws ERR_OPTIONS. */
export function scopePrefix(prefix: string, scope: string): string {
  if (typeof scope !== 'string' || scope === '' || !isWellFormed(scope)) {
    throw optionsError('a scope must be a string that is not empty');
  }
  return `${prefix}${scope}:`;
}

/** Gives the time limit back. Throws ERR_OPTIONS where it is none. */
export function checkTimeout(timeout: number | undefined): number | undefined {
  if (timeout === undefined || (typeof timeout === 'number' && timeout >= 0)) return timeout;
  throw optionsError('timeout must be a number of milliseconds');
}

/** Gives the number back. Throws ERR_OPTIONS where it is none. */
export function checkReplicas(replicas: number): number {
  if (Number.isSafeInteger(replicas) && replicas >= 0 && replicas < 2 ** 31) return replicas;
  throw optionsError('replicas must be a whole number');
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '' && isWellFormed(value))) return value;
  throw optionsError(`${name} must be a string that is not empty and holds no half of a surrogate pair`);
}

/** URLs and keys are UTF-8, which has no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function positive(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value > 0) return value;
  throw optionsError(`${name} must be a number above 0`);
}

/** Milliseconds, at least one. Throws ERR_OPTIONS where it is no time to live. */
export function milliseconds(name: string, seconds: unknown): number {
  const ms = typeof seconds === 'number' ? Math.ceil(seconds * 1000) : Number.NaN;
  if (ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw optionsError(`${name} must be a number of seconds above 0`);
}
