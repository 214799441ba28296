import { unwrap } from './proxy/container-registry.js';

/**
 * Equality of JSON values. The order of keys does not matter, 1 and true differ, proxies count as their values. `left` is of a
 * mirror; a BigInt as `right` also equals the safe integer that the mirror has for it.
 */
export function deepEqual(left: unknown, right: unknown): boolean {
  const a = unwrap(left);
  const b = unwrap(right);
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return typeof b === 'bigint' && typeof a === 'number' && Number.isSafeInteger(a) && BigInt(a) === b;
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(y, key) && deepEqual(x[key], y[key]));
}
