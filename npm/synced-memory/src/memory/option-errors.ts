import { optionsError, type SyncedMemoryError } from '../base/errors.js';
import { nearestName } from '../base/nearest-name.js';

/** Names under which other clients take parts of the URL. */
const URL_PARTS = ['host', 'hostname', 'port', 'password', 'user', 'username', 'db', 'database', 'socket'];

/** Throws ERR_OPTIONS if one of the options is none of `known`: a misspelled `url` would silently open the default. */
export function checkOptionNames(options: object, known: readonly string[], list: string): void {
  if (isRedisClient(options)) {
    throw optionsError(
      "this is a Redis client, not options: import Memory from 'synced-memory/edge' and pass { transport: ioredis(client) } or { transport: nodeRedis(client) }",
    );
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw unknownOption(unknown, known, list);
}

function unknownOption(name: string, known: readonly string[], list: string): SyncedMemoryError {
  const subject = `no option ${JSON.stringify(name)}`;
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return optionsError(`${subject}: did you mean ${nearest}?`);
  if (known.includes('url') && URL_PARTS.includes(name)) {
    return optionsError(`${subject}: write it into the URL: url: 'redis://:PASSWORD@HOST:PORT/DATABASE'`);
  }
  return optionsError(`${subject}; ${list} ${known.join(', ')}`);
}

/** Throws ERR_OPTIONS if the transport cannot carry commands. */
export function checkTransport(transport: unknown): void {
  if (isRedisClient(transport)) {
    throw optionsError('transport is a Redis client: wrap it, as ioredis(client) or nodeRedis(client)');
  }
  if (typeof Object(transport).execute !== 'function') throw optionsError('transport must have a method execute');
}

/** True for a client of ioredis or node-redis. */
function isRedisClient(value: unknown): boolean {
  return typeof Object(value).sendCommand === 'function';
}

/**
 * Returns the URL. Throws ERR_OPTIONS for `localhost:6379` and its kind, which lack the scheme. `subject` is the option or the
 * environment variable that it comes from.
 */
export function checkScheme(url: string, subject: string): string {
  // Without an @ there is no password that the message could show.
  if (!/^[\w.-]+:\d+(\/\d*)?$/.test(url)) return url;
  throw optionsError(`${subject} has no scheme: did you mean redis://${url}?`);
}
