import { keysOf } from './keys.js';

/** Number of children that stand for all of a list or dict, and the depth down to which they are looked at. */
const SAMPLES = 5;
const MAX_DEPTH = 5;

/** About how much there is in a value. */
export interface Estimate {
  /** Number of values in it, with itself. */
  readonly values: number;
  /** Length of its JSON text. */
  readonly size: number;
}

/** Estimates a value by a few of its parts, in a time that does not depend on its size. */
export function estimate(value: unknown, depth = 0): Estimate {
  if (typeof value !== 'object' || value === null) return { values: 1, size: scalarSize(value) };
  const keys = Array.isArray(value) ? undefined : keysOf(value);
  const count = keys?.length ?? (value as unknown[]).length;
  if (count === 0 || depth === MAX_DEPTH) return { values: 1 + count, size: 2 + 4 * count };
  const samples = Math.min(count, SAMPLES);
  let [values, size] = [0, 0];
  for (let sample = 0; sample < samples; sample++) {
    const index = Math.floor((sample * count) / samples);
    const key = keys?.[index] ?? index;
    const child = estimate((value as Record<string | number, unknown>)[key], depth + 1);
    values += child.values;
    // With the key, its colon and the comma.
    size += child.size + 1 + (typeof key === 'string' ? key.length + 3 : 0);
  }
  const scale = count / samples;
  return { values: Math.round(1 + values * scale), size: Math.round(1 + size * scale) };
}

/** About the length of the JSON text of a value that is neither list nor dict. */
export function scalarSize(value: unknown): number {
  return typeof value === 'string' ? value.length + 2 : String(value).length;
}
