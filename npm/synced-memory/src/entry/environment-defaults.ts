import { optionsError } from '../base/errors.js';
import { checkScheme } from '../memory/option-errors.js';
import type { EntryDefaults } from '../memory/resolve-options.js';

/** The environment variables of an entry point, and its URL if none of them is set. */
interface Sources {
  /** Variables that hold a URL. The first that is set is used. */
  readonly urls: readonly string[];
  /** Beginnings of the variables for host, port and prefix: `REDIS` for REDIS_HOST. The first that is set is used. */
  readonly families: readonly string[];
  /** Default: the embedded file. */
  readonly url?: string;
}

const sources: Sources = { urls: ['SYNCED_MEMORY_URL', 'REDIS_URL'], families: ['REDIS'] };

/** A URL, and where it comes from: a variable, two of them, or the default. */
export interface FoundUrl {
  readonly url: string;
  readonly source: string;
}

/** Defaults of `synced-memory`: without a variable, the embedded file. */
export const anyBackend: EntryDefaults = defaultsFrom(sources);

/** The URL that `Memory.open` of `synced-memory` uses where none is passed. Throws ERR_OPTIONS if none is known. */
export const findDefaultUrl = (): FoundUrl => findUrl(sources);

/** Defaults of `synced-memory/redis`: without a variable, the server on this machine. */
export const redis: EntryDefaults = defaultsFrom({ ...sources, url: 'redis://localhost:6379' });

/** Defaults of `synced-memory/dragonflydb`. As in the Python package, REDIS_HOST and REDIS_PORT are used, too. */
export const dragonflydb: EntryDefaults = defaultsFrom({
  urls: ['SYNCED_MEMORY_URL', 'DRAGONFLYDB_URL'],
  families: ['DRAGONFLYDB', 'REDIS'],
  url: 'redis://localhost:6379',
});

function defaultsFrom(sources: Sources): EntryDefaults {
  return {
    url: () => findUrl(sources).url,
    prefix: () => firstSet(sources.families.map((family) => `${family}_PREFIX`)),
  };
}

function findUrl({ urls, families, url }: Sources): FoundUrl {
  for (const name of urls) {
    const given = firstSet([name]);
    if (given) return { url: checkScheme(given, name), source: name };
  }
  for (const family of families) {
    const names = [`${family}_HOST`, `${family}_PORT`];
    const [host, port] = names.map((name) => firstSet([name]));
    if (host || port) {
      return {
        url: `redis://${bracketIpv6(host ?? 'localhost')}:${port ?? 6379}`,
        source: names.filter((name) => firstSet([name])).join(' and '),
      };
    }
  }
  if (url !== undefined) return { url, source: 'the default' };
  if (firstSet(['NODE_ENV']) === 'production') {
    throw optionsError(
      `no server is given: set ${urls.join(' or ')}, or pass { url }; the embedded file is not a default under NODE_ENV=production (pass { url: 'file:…' } to use one)`,
    );
  }
  return { url: 'file:.synced-memory/memory.db', source: 'the default, the embedded file' };
}

function bracketIpv6(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** The value of the first of these variables that is set and not empty. */
function firstSet(names: readonly string[]): string | undefined {
  // Some runtimes have no process.
  const env = (globalThis as { process?: NodeJS.Process }).process?.env ?? {};
  return names.map((name) => env[name]).find((value) => value);
}
