import { SyncedMemoryError } from '../errors.js';
import { toPlain } from '../values.js';
import type { DictContainer } from './dict.js';
import { containerOf } from './handler.js';

function dictOf(value: unknown, method: string): DictContainer {
  const container = containerOf(value);
  if (container !== undefined && !Array.isArray(container.raw)) return container as unknown as DictContainer;
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${method}: not a dict of a memory; assign it to an attribute first`,
  );
}

/** Sets every own property of `values`, one mutation each; undefined removes. Nothing is set where one is not JSON. */
export function update(dict: object, values: object): void {
  const container = dictOf(dict, 'update');
  const entries = Object.entries(values).map(
    ([key, value]) => [key, value === undefined ? undefined : container.copy(key, value)] as const,
  );
  for (const [key, copy] of entries) {
    if (copy === undefined) container.unset(key);
    else container.putCopy(key, copy);
  }
}

/** Removes `key` and returns what it held, `otherwise` where it is absent. Throws ERR_NOT_FOUND without `otherwise`. */
export function popKey(dict: object, key: string, ...otherwise: [unknown?]): unknown {
  const container = dictOf(dict, 'pop');
  if (Object.hasOwn(container.raw, key)) return container.unset(key);
  if (otherwise.length > 0) return otherwise[0];
  throw container.error('ERR_NOT_FOUND', 'pop: there is no such key; check first, or give pop a second argument', key);
}

/** Removes the last key and returns it with its value. Throws ERR_NOT_FOUND where the dict is empty. */
export function popitem<T extends object>(dict: T): [key: keyof T & string, value: T[keyof T & string]] {
  const container = dictOf(dict, 'popitem');
  const key = Object.keys(container.raw).at(-1);
  if (key === undefined) throw container.error('ERR_NOT_FOUND', 'popitem of an empty dict; check Object.keys first');
  return [key, container.unset(key)] as [keyof T & string, T[keyof T & string]];
}

/** What `key` holds; where it is absent, `value` (null) is set first. */
export function setdefault<T extends object, K extends keyof T & string>(
  dict: T,
  key: K,
  value?: T[K],
): NonNullable<T[K]>;
export function setdefault(dict: object, key: string, value: unknown = null): unknown {
  const container = dictOf(dict, 'setdefault');
  if (!Object.hasOwn(container.raw, key)) container.put(key, value);
  return (dict as Record<string, unknown>)[key];
}

/** What a dict answers for these names where it has no such key. */
export const dictMethods: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  [
    'update',
    function (this: object, values: object) {
      update(this, values);
    },
  ],
  [
    'pop',
    function (this: object, key: string, ...otherwise: [unknown?]) {
      return popKey(this, key, ...otherwise);
    },
  ],
  [
    'popitem',
    function (this: object) {
      return popitem(this);
    },
  ],
  [
    'setdefault',
    function (this: Record<string, unknown>, key: string, value?: unknown) {
      return setdefault(this, key, value);
    },
  ],
  [
    'clear',
    function (this: object) {
      dictOf(this, 'clear').clear();
    },
  ],
  [
    'asDict',
    function (this: object) {
      return toPlain(dictOf(this, 'asDict').proxy);
    },
  ],
  [
    'asdict',
    function (this: object) {
      return toPlain(dictOf(this, 'asdict').proxy);
    },
  ],
]);
