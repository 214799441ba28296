/** Compares two values. */
export type Compare<T> = (previous: T, next: T) => boolean;

/**
 * True for the same value, and for two arrays or two plain objects whose elements are the same. A selector that makes a new array
 * of unchanged snapshots, as `filter` does, thereby has an unchanged result.
 */
export function isShallowEqual(one: unknown, other: unknown, isEqual: Compare<unknown> = Object.is): boolean {
  if (Object.is(one, other)) return true;
  if (!isPlain(one) || !isPlain(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isEqual(one[key], other[key]))
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || prototype === Array.prototype;
}
