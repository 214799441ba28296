import { fromCaller } from '../base/caller-stack.js';
import { SyncedMemoryError } from '../base/errors.js';
import { containerOf } from '../mirror/proxy/container.js';
import { KIND } from '../mirror/proxy/container-registry.js';

/** A list of a memory: an array whose mutations sync, with Python's list methods in addition. */
export interface SyncedList<T = unknown> extends Array<T> {
  /** Adds one element at the end. */
  append(value: T): void;
  /** Adds all elements of an iterable at the end, as one mutation. */
  extend(values: Iterable<T>): void;
  /** Inserts `value` before element `index`. A negative index counts from the end; one out of range is clamped. */
  insert(index: number, value: T): void;
  /** Removes the first element that is deeply equal to `value`. Throws ERR_NOT_FOUND if there is none. */
  remove(value: T): void;
  /**
   * Removes and returns an element: the last one, or undefined if the list is empty. With `index`, the element there; a negative
   * index counts from the end. Throws ERR_OUT_OF_RANGE, or ERR_NOT_FOUND for an empty list, if there is no such element.
   */
  pop(index?: number): T | undefined;
  /** Removes all elements. */
  clear(): void;
  /** A plain deep copy, which does not sync. */
  asList(): T[];
  /** Alias of `asList`. */
  aslist(): T[];
}

/** Python's dict methods. A key of the same name hides a method; the exported function of that name does the same. */
export interface SyncedDictMethods<T extends object> {
  /** Sets every property of `values`; undefined removes a key. */
  update(values: Partial<T>): void;
  /** Removes a key and returns what it held. Throws ERR_NOT_FOUND if it is absent. */
  pop<K extends keyof T & string>(key: K): NonNullable<T[K]>;
  /** Removes a key and returns what it held; `fallback` if it is absent. */
  pop<K extends keyof T & string, D>(key: K, fallback: D): NonNullable<T[K]> | D;
  /** Removes the last key and returns it with its value. Throws ERR_NOT_FOUND if the dict is empty. */
  popitem(): [key: keyof T & string, value: T[keyof T & string]];
  /** Returns what `key` holds. If the key is absent, sets it to `value` first; null without `value`. */
  setdefault<K extends keyof T & string>(key: K, value?: T[K]): NonNullable<T[K]>;
  /** Removes all keys. */
  clear(): void;
  /** A plain deep copy, which does not sync. */
  asDict(): T;
  /** Alias of `asDict`. */
  asdict(): T;
}

/** The keys that T names, without its index signatures. */
type NamedKeys<T> = keyof { [K in keyof T as string extends K ? never : number extends K ? never : K]: T[K] };

/** A dict of a memory: an object whose mutations sync, with Python's dict methods where no key hides them. */
export type SyncedDict<T extends object = Record<string, unknown>> = T & Omit<SyncedDictMethods<T>, NamedKeys<T>>;

/** The type of a value of type T that is read from a memory. */
export type Synced<T> = T extends readonly (infer E)[] ? SyncedList<E> : T extends object ? SyncedDict<T> : T;

/** A class that exists for `instanceof` only. */
interface Brand<T> {
  readonly prototype: T;
  [Symbol.hasInstance](value: unknown): value is T;
}

function createBrand<T>(name: string, kind: 'list' | 'dict', plain: string): Brand<T> {
  const type = {
    [name]: class {
      constructor() {
        throw new SyncedMemoryError(
          'ERR_NOT_SUPPORTED',
          `${name} cannot be constructed; assign ${plain} to an attribute`,
        );
      }
      static [Symbol.hasInstance](value: unknown): boolean {
        return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[KIND] === kind;
      }
    },
  }[name];
  return type as unknown as Brand<T>;
}

/** For `value instanceof SyncedList`: true for a list of a memory, of any copy of this package. */
export const SyncedList: Brand<SyncedList> = createBrand('SyncedList', 'list', 'an array');
/** For `value instanceof SyncedDict`: true for a dict of a memory, of any copy of this package. */
export const SyncedDict: Brand<SyncedDict> = createBrand('SyncedDict', 'dict', 'an object');

/** Returns the same list or dict, typed with Python's methods. Throws ERR_NOT_SUPPORTED if it is not of a memory. */
export function synced<T extends object>(value: T): Synced<T> {
  if (containerOf(value) !== undefined) return value as unknown as Synced<T>;
  const message = 'synced: not a list or dict of a memory; assign it to an attribute first';
  throw fromCaller(new SyncedMemoryError('ERR_NOT_SUPPORTED', message), synced);
}
