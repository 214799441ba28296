import { SyncedMemoryError } from './errors.js';
import { environment } from './host.js';
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

/** Where an entry point looks for its server before it gives up. */
export interface Defaults {
  /** Environment variables that hold a URL, the first that is set counts. */
  urls: readonly string[];
  /** What the variables for host, port and prefix start with; the first that has one counts. */
  env: readonly string[];
  /** Used where nothing is set; undefined: the embedded file. */
  url?: string;
}

/** What is an option of a memory is one of its scopes, too, but for what leads to the server. */
const knownToScopes: ReadonlySet<string> = new Set<keyof ScopeOptions>([
  'names',
  'defaults',
  'schema',
  'ttl',
  'maxDocumentBytes',
  'maxPendingBytes',
  'timeout',
  'exitTimeout',
  'onError',
]);

const known: ReadonlySet<string> = new Set<string>([
  ...(['url', 'tls', 'transport', 'prefix'] satisfies (keyof OpenOptions)[]),
  ...knownToScopes,
]);

export const anywhere: Defaults = { urls: ['SYNCED_MEMORY_URL', 'REDIS_URL'], env: ['REDIS'] };
export const redis: Defaults = { ...anywhere, url: 'redis://localhost:6379' };
/** The Python package reads REDIS_HOST and REDIS_PORT for DragonflyDB, too. */
export const dragonflydb: Defaults = {
  urls: ['SYNCED_MEMORY_URL', 'DRAGONFLYDB_URL'],
  env: ['DRAGONFLYDB', 'REDIS'],
  url: 'redis://localhost:6379',
};

/** Fills in what the environment and the entry point say. Throws ERR_OPTIONS. */
export function settle(options: OpenOptions | string | URL | undefined, defaults: Defaults): Settings {
  const given: OpenOptions =
    typeof options === 'string' || options instanceof URL ? { url: String(options) } : (options ?? {});
  if (typeof given !== 'object') throw bad('options must be an object or a URL');
  // A misspelt url would otherwise open the embedded file without a word.
  const unknown = Object.keys(given).find((key) => !known.has(key));
  if (unknown !== undefined) throw bad(`there is no option ${unknown}; there are ${[...known].join(', ')}`);
  const env = environment();
  const prefixes = defaults.env.map((start) => `${start}_PREFIX`);
  const { ttl, onError, maxDocumentBytes = 64 * 1024 * 1024 } = given;
  const base = text('prefix', given.prefix) ?? first(env, prefixes) ?? 'memory:';
  checkTransport(given);
  if (onError !== undefined && typeof onError !== 'function') throw bad('onError must be a function');
  if (!Number.isSafeInteger(maxDocumentBytes) || maxDocumentBytes <= 0) {
    throw bad('maxDocumentBytes must be a whole number above 0');
  }
  checkTls(given.tls);
  return {
    ...given,
    url: given.transport === undefined ? (text('url', given.url) ?? urlFrom(env, defaults)) : 'transport:',
    base,
    prefix: base,
    maxDocumentBytes,
    ...(ttl === undefined ? {} : { ttlMs: milliseconds('ttl', ttl) }),
    maxPendingBytes: positive('maxPendingBytes', given.maxPendingBytes, 128 * 1024 * 1024),
    timeout: positive('timeout', given.timeout, 5_000),
    exitTimeout: positive('exitTimeout', given.exitTimeout, 10_000),
  };
}

/** The settings of a scope of a memory. Throws ERR_OPTIONS. */
export function settleScope(parent: Settings, scope: string, options: ScopeOptions = {}): Settings {
  if (typeof options !== 'object' || options === null) throw bad('options must be an object');
  const unknown = Object.keys(options).find((key) => !knownToScopes.has(key));
  if (unknown !== undefined) {
    throw bad(`a scope has no option ${unknown}; it has ${[...knownToScopes].join(', ')}`);
  }
  const { names: _names, defaults: _defaults, schema: _schema, base, url, ttlMs, ...inherited } = parent;
  const place = parent.transport === undefined ? { url } : {};
  const lifetime = ttlMs === undefined ? {} : { ttl: ttlMs / 1000 };
  const settings = settle({ ...inherited, ...place, ...lifetime, ...options }, anywhere);
  // Names that are known are loaded in one round trip, without asking which there are.
  if (settings.names === undefined && settings.defaults !== undefined) settings.names = Object.keys(settings.defaults);
  return { ...settings, base, prefix: scopePrefix(parent.prefix, scope) };
}

/** What the keys of a scope start with. Throws ERR_OPTIONS. */
export function scopePrefix(prefix: string, scope: string): string {
  if (typeof scope !== 'string' || scope === '' || !isWellFormed(scope)) {
    throw bad('a scope must be a string that is not empty');
  }
  return `${prefix}${scope}:`;
}

function checkTls(tls: TlsOptions | undefined): void {
  if (tls === undefined) return;
  if (typeof tls !== 'object' || tls === null) throw bad('tls must be an object of ca, cert and key');
  for (const [name, pem] of Object.entries(tls)) {
    if (!['ca', 'cert', 'key'].includes(name)) throw bad(`tls has no ${name}; it has ca, cert and key`);
    if (typeof pem !== 'string' || !pem.includes('-----BEGIN ')) throw bad(`tls.${name} must be PEM text`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw bad('tls.cert and tls.key go together');
}

function checkTransport({ transport, url }: OpenOptions): void {
  if (transport === undefined) return;
  if (typeof Object(transport).execute !== 'function') throw bad('transport must have a method execute');
  if (url !== undefined) throw bad('a transport knows its server: pass either url or transport');
}

/** Gives the time limit back. Throws ERR_OPTIONS where it is none. */
export function checkTimeout(timeout: number | undefined): number | undefined {
  if (timeout === undefined || (typeof timeout === 'number' && timeout >= 0)) return timeout;
  throw bad('timeout must be a number of milliseconds');
}

/** Gives the number back. Throws ERR_OPTIONS where it is none. */
export function checkReplicas(replicas: number): number {
  if (Number.isSafeInteger(replicas) && replicas >= 0 && replicas < 2 ** 31) return replicas;
  throw bad('replicas must be a whole number');
}

function urlFrom(env: NodeJS.ProcessEnv, defaults: Defaults): string {
  const url = first(env, defaults.urls);
  if (url) return url;
  for (const start of defaults.env) {
    const host = env[`${start}_HOST`] || 'localhost';
    const port = env[`${start}_PORT`] || '6379';
    // An IPv6 address stands in brackets.
    const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    if (env[`${start}_HOST`] || env[`${start}_PORT`]) return `redis://${address}:${port}`;
  }
  if (defaults.url !== undefined) return defaults.url;
  if (env.NODE_ENV === 'production') {
    throw bad(
      `no server is given: set ${defaults.urls.join(' or ')}, or pass { url }; the embedded file is not a default under NODE_ENV=production (pass { url: 'file:…' } to use one)`,
    );
  }
  return 'file:.synced-memory/memory.db';
}

/** The first of these variables that is set, and not to nothing. */
function first(env: NodeJS.ProcessEnv, names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value);
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '' && isWellFormed(value))) return value;
  throw bad(`${name} must be a string that is not empty and holds no half of a surrogate pair`);
}

/** URLs and keys are UTF-8, which has no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function positive(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value > 0) return value;
  throw bad(`${name} must be a number above 0`);
}

/** Milliseconds, at least one. Throws ERR_OPTIONS where it is no time to live. */
export function milliseconds(name: string, seconds: unknown): number {
  const ms = typeof seconds === 'number' ? Math.ceil(seconds * 1000) : Number.NaN;
  if (ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw bad(`${name} must be a number of seconds above 0`);
}

function bad(message: string): SyncedMemoryError {
  return new SyncedMemoryError('ERR_OPTIONS', message);
}
