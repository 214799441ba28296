import { optionsError } from './errors.js';
import type { Defaults } from './options.js';

/** Where to look for a server. */
interface Places {
  /** Environment variables that hold a URL, the first that is set counts. */
  readonly urls: readonly string[];
  /** What the variables for host, port and prefix start with; the first that has one counts. */
  readonly env: readonly string[];
  /** Used where nothing is set; undefined: the embedded file. */
  readonly url?: string;
}

const places: Places = { urls: ['SYNCED_MEMORY_URL', 'REDIS_URL'], env: ['REDIS'] };

export const anywhere: Defaults = lookingIn(places);
export const redis: Defaults = lookingIn({ ...places, url: 'redis://localhost:6379' });
/** The Python package reads REDIS_HOST and REDIS_PORT for DragonflyDB, too. */
export const dragonflydb: Defaults = lookingIn({
  urls: ['SYNCED_MEMORY_URL', 'DRAGONFLYDB_URL'],
  env: ['DRAGONFLYDB', 'REDIS'],
  url: 'redis://localhost:6379',
});

function lookingIn(places: Places): Defaults {
  return { url: () => urlFrom(places), prefix: () => first(places.env.map((start) => `${start}_PREFIX`)) };
}

function urlFrom({ urls, env, url }: Places): string {
  const given = first(urls);
  if (given) return given;
  for (const start of env) {
    const [ownHost, ownPort] = [first([`${start}_HOST`]), first([`${start}_PORT`])];
    if (!ownHost && !ownPort) continue;
    const host = ownHost ?? 'localhost';
    // An IPv6 address stands in brackets.
    const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    return `redis://${address}:${ownPort ?? 6379}`;
  }
  if (url !== undefined) return url;
  if (first(['NODE_ENV']) === 'production') {
    throw optionsError(
      `no server is given: set ${urls.join(' or ')}, or pass { url }; the embedded file is not a default under NODE_ENV=production (pass { url: 'file:…' } to use one)`,
    );
  }
  return 'file:.synced-memory/memory.db';
}

/** The first of these variables that is set, and not to nothing. */
function first(names: readonly string[]): string | undefined {
  // There is no such thing everywhere.
  const env = (globalThis as { process?: NodeJS.Process }).process?.env ?? {};
  return names.map((name) => env[name]).find((value) => value);
}
