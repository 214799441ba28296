import { optionsError } from '../base/errors.js';
import { checkAttributeName } from './attribute-name.js';

/** Returns the time limit, in milliseconds. Throws ERR_OPTIONS if it is not one. */
export function checkTimeout(timeout: number | undefined): number | undefined {
  if (timeout === undefined || (typeof timeout === 'number' && timeout >= 0)) return timeout;
  throw optionsError('timeout must be a number of milliseconds, 0 or more');
}

/** Returns the options of `$flush`. Throws ERR_OPTIONS if they are not an object. */
export function checkFlushOptions<Options>(options: Options): Options {
  if (typeof options === 'object' && options !== null) return options;
  throw optionsError('$flush takes { timeout, replicas }');
}

/** Returns the names of attributes. Throws ERR_OPTIONS if they are not an array, and ERR_RESERVED_NAME for a name that cannot be one. */
export function checkNames(names: readonly string[]): readonly string[] {
  if (!Array.isArray(names)) {
    throw optionsError(`names must be an array: $load([${typeof names === 'string' ? `'${names}'` : "'tasks'"}])`);
  }
  for (const name of names) checkAttributeName(name);
  return names;
}

/** Returns the number of replicas. Throws ERR_OPTIONS if it is not one. */
export function checkReplicas(replicas: number): number {
  if (Number.isSafeInteger(replicas) && replicas >= 0 && replicas < 2 ** 31) return replicas;
  throw optionsError('replicas must be a whole number, 0 or more');
}

/** Returns the number. Throws ERR_OPTIONS if it is not above 0. */
export function checkPositive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value;
  throw optionsError(`${name} must be a number above 0`);
}

/** Converts a lifetime in seconds to milliseconds, at least one. Throws ERR_OPTIONS if it is not a lifetime. */
export function secondsToMilliseconds(name: string, seconds: unknown): number {
  const ms = typeof seconds === 'number' ? Math.ceil(seconds * 1000) : Number.NaN;
  if (ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw optionsError(`${name} must be a number of seconds above 0`);
}

/** Returns the function. Throws ERR_OPTIONS if it is not one. */
export function checkFunction<F>(method: string, fn: F): F {
  if (typeof fn === 'function') return fn;
  throw optionsError(`${method} takes a function`);
}

/** A path that begins with what should be an attribute's name. */
export type AttributePath = [name: unknown, ...path: (string | number)[]];

/** Returns the path of a number. Throws ERR_OPTIONS if it is not a path, or `by` not a number. */
export function checkNumberPath(path: unknown, by: unknown): AttributePath {
  const keys = toKeys(path);
  if (keys === undefined) {
    throw optionsError("$increment takes an attribute's name, or an array of strings and numbers that begins with one");
  }
  if (typeof by === 'bigint' || Number.isFinite(by)) return keys;
  throw optionsError('$increment takes a finite number or a bigint');
}

/** Returns the path of a list. Throws ERR_OPTIONS if it is not a path. */
export function checkListPath(method: string, path: unknown): AttributePath {
  const keys = toKeys(path);
  if (keys !== undefined) return keys;
  throw optionsError(`${method} takes the path of a list: an attribute's name, or an array of strings and numbers`);
}

function toKeys(path: unknown): AttributePath | undefined {
  const keys: unknown = typeof path === 'string' ? [path] : path;
  const isPath = Array.isArray(keys) && keys.every((key) => typeof key === 'string' || typeof key === 'number');
  return isPath ? (keys as AttributePath) : undefined;
}
