import { fromCaller } from '../base/caller-stack.js';
import { SyncedMemoryError } from '../base/errors.js';
import { containerOf } from '../mirror/proxy/container.js';
import type { DictContainer } from '../mirror/proxy/dict-container.js';
import { popKey } from '../mirror/proxy/dict-methods.js';
import { callListMethod } from '../mirror/proxy/list-methods.js';
import { toPlain } from '../mirror/to-plain.js';
import type { Snapshot } from './memory-methods.js';

/** A plain deep copy of a list, which does not sync. */
export function asList<T>(list: readonly T[]): T[] {
  return toPlain(list) as T[];
}

/** A plain deep copy of a dict, which does not sync. */
export function asDict<T extends object>(dict: T): T {
  return toPlain(dict);
}

/**
 * A list or dict of a memory as a frozen plain value, which `structuredClone` and `postMessage` accept. It shares unchanged parts with
 * the previous snapshot, and is the same object while nothing in it changes. Throws ERR_NOT_SUPPORTED for any other value.
 */
export function snapshot<T extends object>(value: T): Snapshot<T> {
  const container = containerOf(value);
  if (container !== undefined) return container.owner.snapshots.of(container.raw) as Snapshot<T>;
  const message = 'snapshot: not a list or dict of a memory; for a whole memory use $snapshot()';
  throw fromCaller(new SyncedMemoryError('ERR_NOT_SUPPORTED', message), snapshot);
}

/** Calls `list.pop(index)` or `dict.pop(key, fallback)`, also if a key of the dict hides the method. */
export function pop<T>(list: readonly T[], index?: number): T | undefined;
export function pop<T extends object, K extends keyof T & string>(dict: T, key: K): NonNullable<T[K]>;
export function pop<T extends object, K extends keyof T & string, D>(
  dict: T,
  key: K,
  fallback: D,
): NonNullable<T[K]> | D;
export function pop(target: object, key?: number | string, ...fallback: [unknown?]): unknown {
  return Array.isArray(target)
    ? callListMethod(pop, target, 'pop', key)
    : popKey(pop, target, key as string, ...fallback);
}

/** Calls `list.clear()` or `dict.clear()`, also if a key of the dict hides the method. */
export function clear(target: object): void {
  const container = containerOf(target);
  if (container === undefined) {
    const message = 'clear: not a list or dict of a memory; assign it to an attribute first';
    throw fromCaller(new SyncedMemoryError('ERR_NOT_SUPPORTED', message), clear);
  }
  if (Array.isArray(container.raw)) callListMethod(clear, target, 'clear');
  else (container as unknown as DictContainer).clear();
}
