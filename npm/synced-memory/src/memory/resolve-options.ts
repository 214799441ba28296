import { type Clock, systemClock } from '../base/clock.js';
import { optionsError } from '../base/errors.js';
import { hostName } from '../base/runtime.js';
import type { BackendOptions, SessionOptions } from '../engine/engine.js';
import { isObjectPrototype } from '../mirror/plain-prototypes.js';
import { checkAttributeName, isWellFormed } from './attribute-name.js';
import { checkPositive, secondsToMilliseconds } from './check-arguments.js';
import { historyOptions, resolveHistory } from './history-options.js';
import { resolveJournal, resolveScopeJournal } from './journal-options.js';
import type { OpenOptions, ScopeOptions } from './open-options.js';
import { checkOptionNames, checkScheme, checkTransport } from './option-errors.js';
import type { Schemas } from './schema.js';
import { checkWriterLabel } from './writer-label.js';

/** Options with every default filled in. */
export interface ResolvedOptions extends BackendOptions, SessionOptions {
  readonly defaults: object | undefined;
  readonly schema: Schemas | undefined;
  readonly onError: OpenOptions['onError'] | undefined;
  readonly maxPendingBytes: number;
  readonly openTimeout: number;
  readonly offline: boolean;
  readonly timeout: number;
  readonly exitTimeout: number;
  readonly pythonMethods: boolean;
  /** The transport's clock, or else the runtime's. */
  readonly clock: Clock;
}

/** The defaults of an entry point. */
export interface EntryDefaults {
  /** URL of the backend. Throws ERR_OPTIONS if none is known. */
  url(): string;
  prefix(): string | undefined;
}

/** Options of a memory that are options of a scope, too. */
const scopeOptionNames: readonly string[] = [
  'names',
  'defaults',
  'schema',
  'ttl',
  'maxDocumentBytes',
  'maxPendingBytes',
  'openTimeout',
  'offline',
  'timeout',
  'exitTimeout',
  'pythonMethods',
  'history',
  'journal',
  'writer',
  'onError',
] satisfies (keyof ScopeOptions)[];

const openOptionNames: readonly string[] = [
  ...(['url', 'tls', 'transport', 'prefix'] satisfies (keyof OpenOptions)[]),
  ...scopeOptionNames,
];

/** The arguments of `open`. */
export type OpenArguments = readonly [options?: OpenOptions | string | URL];

/** Checks the arguments of `open` and fills in the defaults. Throws ERR_OPTIONS. */
export function resolveOptions(args: OpenArguments, defaults: EntryDefaults): ResolvedOptions {
  const [options] = args.length === 0 ? [{}] : args;
  const given = typeof options === 'string' || options instanceof URL ? { url: String(options) } : options;
  if (given === undefined) throw optionsError(undefinedServer('the argument of open'));
  if (typeof given !== 'object' || given === null) throw optionsError('options must be an object or a URL');
  checkOptionNames(given, openOptionNames, 'the options are');
  const { prefix, transport, tls } = given;
  const base = checkPrefix(prefix === undefined ? (defaults.prefix() ?? 'memory:') : checkText('prefix', prefix));
  const url = findServer(given) ?? defaults.url();
  if (tls !== undefined && transport === undefined) checkEncrypted(url);
  const clock = transport?.clock ?? systemClock;
  return {
    ...resolveMemoryOptions(given),
    journal: resolveJournal(given.journal),
    url,
    tls,
    transport,
    clock,
    base,
    prefix: base,
  };
}

/** The URL of the options, `transport:` for a transport; undefined without either. */
function findServer(given: OpenOptions): string | undefined {
  const { url, transport } = given;
  if (transport !== undefined) {
    checkTransport(transport);
    if (url !== undefined) throw optionsError('a transport has a server of its own: pass either url or transport');
    return 'transport:';
  }
  const empty = ['url', 'transport'].find((name) => Object.hasOwn(given, name));
  if (url === undefined && empty !== undefined) throw optionsError(undefinedServer(empty));
  return url === undefined ? undefined : checkScheme(checkText('url', url), 'url');
}

/** Says that a server was to be given and was not: the default would be another one. */
function undefinedServer(subject: string): string {
  return `${subject} is undefined, which is what process.env has for a variable that is not set; set the variable, or leave ${subject} out for the default server or file`;
}

/** Throws ERR_OPTIONS if certificates are given for a connection without TLS. */
function checkEncrypted(url: string): void {
  if (/^rediss(\+[a-z]+)?:/i.test(url)) return;
  const scheme = url.slice(0, url.indexOf(':') + 1);
  throw optionsError(
    `tls has certificates, and ${scheme} connections are not encrypted; write rediss: for redis:, or leave tls out`,
  );
}

/**
 * Checks the options of `$scope`. What is not given, except `names`, `defaults` and `schema`, is as in the parent memory. Throws
 * ERR_OPTIONS.
 */
export function resolveScopeOptions(
  parent: ResolvedOptions,
  scope: string,
  options: ScopeOptions = {},
): ResolvedOptions {
  if (typeof options !== 'object' || options === null) throw optionsError('options must be an object');
  checkOptionNames(options, scopeOptionNames, 'those of a scope are');
  const { url, tls, transport, clock, base } = parent;
  const { ttlMs, label, onError, maxDocumentBytes, maxPendingBytes, pythonMethods } = parent;
  const { openTimeout, offline, timeout, exitTimeout, history } = parent;
  const inherited: ScopeOptions = {
    maxDocumentBytes,
    maxPendingBytes,
    openTimeout,
    offline,
    timeout,
    exitTimeout,
    pythonMethods,
    ...(history === undefined ? {} : { history: historyOptions(history) }),
    ...(onError === undefined ? {} : { onError }),
    ...(label === undefined ? {} : { writer: label }),
    ...(ttlMs === undefined ? {} : { ttl: ttlMs / 1000 }),
  };
  const own = resolveMemoryOptions({ ...inherited, ...options });
  // Known names are loaded in one round trip, without a search for others.
  const names = own.names ?? (own.defaults && Object.keys(own.defaults));
  const journal = resolveScopeJournal(parent.journal, options.journal);
  return { ...own, journal, names, url, tls, transport, clock, base, prefix: scopePrefix(parent.prefix, scope) };
}

type MemoryOptions = Omit<ResolvedOptions, 'journal' | 'url' | 'tls' | 'transport' | 'clock' | 'base' | 'prefix'>;

function resolveMemoryOptions(given: Omit<OpenOptions, 'journal'>): MemoryOptions {
  const { names, defaults, schema, ttl, onError, maxDocumentBytes = 64 * 1024 * 1024, offline = false } = given;
  if (names !== undefined && !Array.isArray(names)) throw optionsError('names must be an array of attribute names');
  names?.forEach(checkAttributeName);
  if (defaults !== undefined && !isRecord(defaults)) {
    throw optionsError('defaults must be an object of values by attribute: { tasks: [] }');
  }
  if (onError !== undefined && typeof onError !== 'function') throw optionsError('onError must be a function');
  if (!Number.isSafeInteger(maxDocumentBytes) || maxDocumentBytes <= 0) {
    throw optionsError('maxDocumentBytes must be a whole number of bytes above 0');
  }
  const { pythonMethods = true } = given;
  if (typeof pythonMethods !== 'boolean') throw optionsError('pythonMethods must be true or false');
  if (typeof offline !== 'boolean') throw optionsError('offline must be true or false');
  return {
    // Attributes with a default are loaded by the same request.
    names: names && [...new Set([...names, ...Object.keys(defaults ?? {})])],
    defaults,
    schema,
    onError,
    pythonMethods,
    label: given.writer === undefined ? undefined : checkWriterLabel(given.writer),
    host: given.writer === undefined ? undefined : hostName(),
    history: resolveHistory(given.history),
    ttlMs: ttl === undefined ? undefined : secondsToMilliseconds('ttl', ttl),
    maxDocumentBytes,
    maxPendingBytes: checkPositive('maxPendingBytes', given.maxPendingBytes ?? 128 * 1024 * 1024),
    openTimeout: checkPositive('openTimeout', given.openTimeout ?? 10_000),
    offline,
    timeout: checkPositive('timeout', given.timeout ?? 5_000),
    exitTimeout: checkPositive('exitTimeout', given.exitTimeout ?? 10_000),
  };
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && isObjectPrototype(Object.getPrototypeOf(value));
}

/** The prefix of a scope's keys. Throws ERR_OPTIONS if `scope` cannot be the name of one. */
export function scopePrefix(prefix: string, scope: string): string {
  if (typeof scope !== 'string' || scope === '' || !isWellFormed(scope)) {
    throw optionsError('a scope must be a string that is not empty');
  }
  return `${prefix}${scope}:`;
}

/** The start of the side keys, which hold what the protocol keeps beside documents. */
const sideKeyStart = 'sm:';

/** Returns the prefix. Throws ERR_OPTIONS where a key with it could be a side key. */
function checkPrefix(prefix: string): string {
  if (!prefix.startsWith(sideKeyStart) && !sideKeyStart.startsWith(prefix)) return prefix;
  throw optionsError(
    `the prefix ${JSON.stringify(prefix)} is reserved: keys that begin with ${sideKeyStart} belong to the protocol; use another`,
  );
}

function checkText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && isWellFormed(value)) return value;
  throw optionsError(`${name} must be a string that is not empty and has no unpaired surrogate`);
}
