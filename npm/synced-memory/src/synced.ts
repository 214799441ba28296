import { SyncedMemoryError } from './errors.js';
import type { DictContainer } from './proxy/dict.js';
import { popKey } from './proxy/dict-methods.js';

import { callOf } from './proxy/list-methods.js';
import { BRAND, containerOf } from './proxy/registry.js';
import type { Snapshot } from './types.js';
import { toPlain } from './values.js';

export { popitem, setdefault, update } from './proxy/dict-methods.js';
export { append, extend, insert, remove } from './proxy/list-methods.js';
export { toPlain } from './values.js';

/** A list of a memory: an array whose mutations sync, with Python's list methods on top. */
export interface SyncedList<T = unknown> extends Array<T> {
  /** Adds one element to the end. */
  append(value: T): void;
  /** Adds all elements of an iterable to the end. */
  extend(values: Iterable<T>): void;
  /** Puts `value` before element `index`; negative counts from the end, out of range is clamped. */
  insert(index: number, value: T): void;
  /** Removes the first element deeply equal to `value`. Throws ERR_NOT_FOUND where there is none. */
  remove(value: T): void;
  /** Without an index as arrays do; with one (negative: from the end) throws ERR_OUT_OF_RANGE where there is none. */
  pop(index?: number): T | undefined;
  /** Removes all elements. */
  clear(): void;
  /** An independent plain copy, recursively. */
  asList(): T[];
  /** Alias of asList. */
  aslist(): T[];
}

/** Python's dict methods. Each is there only where the dict has no key of that name; see the functions of that name. */
export interface SyncedDictMethods<T extends object> {
  /** Sets every property of `values`; undefined removes. */
  update(values: Partial<T>): void;
  /** Removes a key and returns what it held. Throws ERR_NOT_FOUND where it is absent. */
  pop<K extends keyof T & string>(key: K): NonNullable<T[K]>;
  /** Removes a key and returns what it held, or `otherwise`. */
  pop<K extends keyof T & string, D>(key: K, otherwise: D): NonNullable<T[K]> | D;
  /** Removes the last key and returns it with its value. Throws ERR_NOT_FOUND where the dict is empty. */
  popitem(): [key: keyof T & string, value: T[keyof T & string]];
  /** What `key` holds; where it is absent `value` (null) is set first. */
  setdefault<K extends keyof T & string>(key: K, value?: T[K]): NonNullable<T[K]>;
  /** Removes all keys. */
  clear(): void;
  /** An independent plain copy, recursively. */
  asDict(): T;
  /** Alias of asDict. */
  asdict(): T;
}

/** Keys that T names, without its index signatures. */
type NamedKeys<T> = keyof { [K in keyof T as string extends K ? never : number extends K ? never : K]: T[K] };

/** A dict of a memory: an object whose mutations sync, with Python's dict methods where no key shadows them. */
export type SyncedDict<T extends object = Record<string, unknown>> = T & Omit<SyncedDictMethods<T>, NamedKeys<T>>;

/** What a value of type T is when read from a memory. */
export type Synced<T> = T extends readonly (infer E)[] ? SyncedList<E> : T extends object ? SyncedDict<T> : T;

interface Brand<T> {
  readonly prototype: T;
  [Symbol.hasInstance](value: unknown): value is T;
}

function brand<T>(name: string, kind: 'list' | 'dict', instead: string): Brand<T> {
  const type = {
    [name]: class {
      constructor() {
        throw new SyncedMemoryError(
          'ERR_NOT_SUPPORTED',
          `${name} cannot be constructed; assign ${instead} to an attribute`,
        );
      }
      static [Symbol.hasInstance](value: unknown): boolean {
        return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === kind;
      }
    },
  }[name];
  return type as unknown as Brand<T>;
}

/** `value instanceof SyncedList`: is it a list of a memory (of any copy of this package)? */
export const SyncedList: Brand<SyncedList> = brand('SyncedList', 'list', 'an array');
/** `value instanceof SyncedDict`: is it a dict of a memory (of any copy of this package)? */
export const SyncedDict: Brand<SyncedDict> = brand('SyncedDict', 'dict', 'an object');

/** The same list or dict, typed with its Python-style methods. Throws where `value` is not of a memory. */
export function synced<T extends object>(value: T): Synced<T> {
  if (containerOf(value) !== undefined) return value as unknown as Synced<T>;
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    'synced: not a list or dict of a memory; assign it to an attribute first',
  );
}

/** An independent plain copy of a list, recursively. */
export function asList<T>(list: readonly T[]): T[] {
  return toPlain(list) as T[];
}

/** An independent plain copy of a dict, recursively. */
export function asDict<T extends object>(dict: T): T {
  return toPlain(dict);
}

/**
 * A list or dict of a memory as a frozen plain value, which shares what has not changed with the one before: the same
 * object while nothing in it changes. structuredClone and postMessage take it.
 */
export function snapshot<T extends object>(value: T): Snapshot<T> {
  const container = containerOf(value);
  if (container !== undefined) return container.mirror.snapshots.of(container.raw) as Snapshot<T>;
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    'snapshot: not a list or dict of a memory; of a whole memory use $snapshot()',
  );
}

export { asDict as asdict, asList as aslist };

/** `list.pop(index)` or `dict.pop(key, otherwise)`, also where a key of the dict shadows the method. */
export function pop<T>(list: readonly T[], index?: number): T | undefined;
export function pop<T extends object, K extends keyof T & string>(dict: T, key: K): NonNullable<T[K]>;
export function pop<T extends object, K extends keyof T & string, D>(
  dict: T,
  key: K,
  otherwise: D,
): NonNullable<T[K]> | D;
export function pop(target: object, key?: number | string, ...otherwise: [unknown?]): unknown {
  return Array.isArray(target) ? callOf(target, 'pop', key) : popKey(target, key as string, ...otherwise);
}

/** `list.clear()` or `dict.clear()`, also where a key of the dict shadows the method. */
export function clear(target: object): void {
  const container = containerOf(target);
  if (container === undefined)
    throw new SyncedMemoryError('ERR_NOT_SUPPORTED', 'clear: not a list or dict of a memory');
  if (Array.isArray(container.raw)) callOf(target, 'clear');
  else (container as unknown as DictContainer).clear();
}
