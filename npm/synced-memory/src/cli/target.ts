import { existsSync } from 'node:fs';
import { type FoundUrl, findDefaultUrl } from '../entry/environment-defaults.js';
import type { Invocation } from './command.js';
import { absentError, usageError } from './failure.js';

/** The backend of a command, and where its URL comes from. */
export interface Target extends FoundUrl {
  /** The URL without its password. */
  readonly shown: string;
  readonly prefix: string;
  readonly scope: string | undefined;
}

/** Finds the backend by the rules of `Memory.open`. Throws a usage error where none is known. */
export function findTarget({ options }: Invocation): Target {
  const { url, prefix, scope } = options;
  const found = typeof url === 'string' ? { url, source: '--url' } : defaultUrl();
  return {
    ...found,
    shown: maskPassword(found.url),
    prefix: String(prefix ?? (process.env.REDIS_PREFIX || 'memory:')),
    scope: typeof scope === 'string' ? scope : undefined,
  };
}

function defaultUrl(): FoundUrl {
  try {
    return findDefaultUrl();
  } catch {
    throw usageError(
      'no server is given: pass --url, or set SYNCED_MEMORY_URL or REDIS_URL; the embedded file is not a default under NODE_ENV=production',
    );
  }
}

/** The start of the keys of the command's memory. */
export function keyPrefix({ prefix, scope }: Target): string {
  return scope === undefined ? prefix : `${prefix}${scope}:`;
}

/** A URL whose password is replaced by ***. */
export function maskPassword(url: string): string {
  // An @ may stand unencoded in a password: everything up to the last one belongs to the login.
  return url.replace(/^([^:/]+:\/\/[^:@/]*):.*@/s, '$1:***@').replace(/([?&]pass=)[^&]*/gi, '$1***');
}

/** Throws where the backend is a file that does not exist: a command that only reads must not create it. */
export function checkFileExists({ url, shown, source }: Target): void {
  const file = filePath(url);
  if (file === undefined || existsSync(file)) return;
  throw absentError(
    `there is no file ${shown.slice('file:'.length)} (from ${source}); run this in the folder of the program, or pass --url`,
  );
}

/** The path of a `file:` URL; undefined for another URL. */
export function filePath(url: string): string | undefined {
  const match = /^file:(?:\/\/(?:localhost)?(?=\/))?(.+)$/is.exec(url);
  if (match?.[1] === undefined) return undefined;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    // Opening it says what is wrong.
    return undefined;
  }
}

/** The value of --timeout in milliseconds. */
export function timeoutOf({ options }: Invocation, fallbackSeconds = 10): number {
  const seconds = Number(options.timeout ?? fallbackSeconds);
  if (!(seconds > 0)) throw usageError(`--timeout ${options.timeout}: write a number of seconds above 0`);
  return seconds * 1000;
}
