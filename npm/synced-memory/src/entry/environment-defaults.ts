import { optionsError } from '../base/errors.js';
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

/** Defaults of `synced-memory`: without a variable, the embedded file. */
export const anyBackend: EntryDefaults = defaultsFrom(sources);

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
    url: () => findUrl(sources),
    prefix: () => firstSet(sources.families.map((family) => `${family}_PREFIX`)),
  };
}

function findUrl({ urls, families, url }: Sources): string {
  const given = firstSet(urls);
  if (given) return given;
  for (const family of families) {
    const [host, port] = [firstSet([`${family}_HOST`]), firstSet([`${family}_PORT`])];
    if (host || port) return `redis://${bracketIpv6(host ?? 'localhost')}:${port ?? 6379}`;
  }
  if (url !== undefined) return url;
  if (firstSet(['NODE_ENV']) === 'production') {
    throw optionsError(
      `no server is given: set ${urls.join(' or ')}, or pass { url }; the embedded file is not a default under NODE_ENV=production (pass { url: 'file:…' } to use one)`,
    );
  }
  return 'file:.synced-memory/memory.db';
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
