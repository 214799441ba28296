import { setOwnProperty } from '../base/own-property.js';
import { isObjectPrototype } from './plain-prototypes.js';
import { unwrap } from './proxy/container-registry.js';

/**
 * A plain deep copy: lists and dicts of a memory become arrays and objects of their own, which `structuredClone` and
 * `postMessage` accept. Values that are neither array nor plain object are kept as they are.
 */
export function toPlain<T>(value: T): T {
  return copyPlain(value) as T;
}

function copyPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const raw = unwrap(value) as object;
  if (Array.isArray(raw)) return raw.map(copyPlain);
  if (!isObjectPrototype(Object.getPrototypeOf(raw))) return raw;
  const copy = {};
  for (const key of Object.keys(raw)) setOwnProperty(copy, key, copyPlain((raw as Record<string, unknown>)[key]));
  return copy;
}
