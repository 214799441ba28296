import { syncedError } from '../base/errors.js';
import type { Path } from '../base/path.js';
import { type ResolvedPath, toContainerKey } from './resolved-path.js';

/** Greatest number of digits of an integer that the core adds. */
const MAX_DIGITS = 37;

/** A number of the mirror: the container that holds it, its key there, and its value. */
export interface NumberLocation {
  readonly container: ResolvedPath;
  readonly key: string | number;
  readonly value: number | bigint;
}

/** The number under `key` in a container; 0 if a dict does not have the key. Throws ERR_NOT_A_NUMBER for anything else. */
export function locateNumber(
  container: ResolvedPath,
  name: string,
  path: Path,
  lastKey: string | number,
): NumberLocation {
  const { raw } = container;
  const key = toContainerKey(raw, lastKey);
  const absent = Array.isArray(raw) ? undefined : 0;
  const value: unknown = Object.hasOwn(raw, key) ? (raw as Record<string | number, unknown>)[key] : absent;
  if (typeof value === 'number' || typeof value === 'bigint') return { container, key, value };
  throw syncedError('ERR_NOT_A_NUMBER', 'is not a number; $increment adds to numbers only', name, path);
}

/** Throws ERR_NOT_A_NUMBER if two integers are to be added of which one is too long for the core. */
export function checkSummands(value: number | bigint, by: number | bigint, name: string, path: Path): void {
  if (!isInteger(value) || !isInteger(by) || !(isTooLong(value) || isTooLong(by))) return;
  const detail = `$increment adds integers of up to ${MAX_DIGITS} digits; assign a sum of your own`;
  throw syncedError('ERR_NOT_A_NUMBER', detail, name, path);
}

/** The sum: exact for two integers, otherwise as JavaScript adds. */
export function addNumbers(value: number | bigint, by: number | bigint): number | bigint {
  if (!isInteger(value) || !isInteger(by)) return Number(value) + Number(by);
  const exact = BigInt(value) + BigInt(by);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

function isInteger(number: number | bigint): boolean {
  return typeof number === 'bigint' || Number.isSafeInteger(number);
}

function isTooLong(integer: number | bigint): boolean {
  return typeof integer === 'bigint' && String(integer).replace('-', '').length > MAX_DIGITS;
}
