import { type Callable, fromCaller } from '../../base/caller-stack.js';
import { SyncedMemoryError } from '../../base/errors.js';
import { toPlain } from '../to-plain.js';
import { containerOf } from './container.js';
import type { DictContainer } from './dict-container.js';

function dictOf(value: unknown, method: string): DictContainer {
  const container = containerOf(value);
  if (container !== undefined && !Array.isArray(container.raw)) return container as unknown as DictContainer;
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${method}: not a dict of a memory; assign it to an attribute first`,
  );
}

type Method = (this: DictContainer, ...args: never[]) => unknown;

/** Python's dict methods. `this` is the dict. */
const methods = {
  update(this: DictContainer, values: object): void {
    // All values are copied first: if one is not JSON, none is set.
    const entries = Object.entries(values).map(
      ([key, value]) => [key, value === undefined ? undefined : this.copy(value, key)] as const,
    );
    for (const [key, copy] of entries) {
      if (copy === undefined) this.unset(key);
      else this.putCopy(key, copy);
    }
  },
  pop(this: DictContainer, key: string, ...fallback: [unknown?]): unknown {
    if (Object.hasOwn(this.raw, key)) return this.unset(key);
    if (fallback.length > 0) return fallback[0];
    throw this.error('ERR_NOT_FOUND', 'pop: there is no such key; check first, or pass a second argument', key);
  },
  popitem(this: DictContainer): [key: string, value: unknown] {
    const key = Object.keys(this.raw).at(-1);
    if (key === undefined) throw this.error('ERR_NOT_FOUND', 'popitem of an empty dict; check Object.keys first');
    return [key, this.unset(key)];
  },
  setdefault(this: DictContainer, key: string, value: unknown = null): unknown {
    if (!Object.hasOwn(this.raw, key)) this.put(key, value);
    return this.proxy[key];
  },
  clear(this: DictContainer): void {
    this.clear();
  },
  asDict: copyOf,
  asdict: copyOf,
  // A replacer function of JSON.stringify gets frozen values.
  toJSON(this: DictContainer): unknown {
    return this.owner.snapshots.of(this.raw);
  },
} satisfies Record<string, Method>;

function copyOf(this: DictContainer): object {
  return toPlain(this.raw);
}

/** The methods by name, as a dict returns them for names that it does not have as keys. */
export const dictMethods: ReadonlyMap<string, unknown> = new Map(
  Object.entries<Method>(methods).map(([name, body]) => {
    function method(this: unknown, ...args: never[]) {
      try {
        return body.apply(dictOf(this, name), args);
      } catch (error) {
        throw fromCaller(error, method);
      }
    }
    // As a value, it would be taken for what a key holds: `(words[word] ?? 0) + 1` would store its source text.
    Object.defineProperty(method, Symbol.toPrimitive, { value: () => throwNotAValue(name) });
    return [name, method];
  }),
);

function throwNotAValue(name: string): never {
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${name}: a dict without this key has Python's method of that name, which is no value; test Object.hasOwn(dict, '${name}'), or open the memory with pythonMethods: false and call the package's functions, as in ${name}(dict)`,
  );
}

/** Calls `dict.name(...args)` for the public function `entry`. Throws ERR_NOT_SUPPORTED if `dict` is not a dict of a memory. */
function callDictMethod(entry: Callable, dict: object, name: keyof typeof methods, ...args: unknown[]): unknown {
  try {
    return (methods[name] as Method).apply(dictOf(dict, name), args as never[]);
  } catch (error) {
    throw fromCaller(error, entry);
  }
}

/**
 * Sets every own property of `values` on a dict of a memory, one mutation each; undefined removes the key. Nothing is set if one
 * of the values is not JSON (ERR_NOT_SERIALIZABLE).
 */
export function update(dict: object, values: object): void {
  callDictMethod(update, dict, 'update', values);
}

/** Removes `key` for the public function `entry`, and returns what it held; `fallback` if it is absent. Throws ERR_NOT_FOUND without it. */
export function popKey(entry: Callable, dict: object, key: string, ...fallback: [unknown?]): unknown {
  return callDictMethod(entry, dict, 'pop', key, ...fallback);
}

/** Removes the last key of a dict and returns it with its value. Throws ERR_NOT_FOUND if the dict is empty. */
export function popitem<T extends object>(dict: T): [key: keyof T & string, value: T[keyof T & string]] {
  return callDictMethod(popitem, dict, 'popitem') as [keyof T & string, T[keyof T & string]];
}

/** Returns what `key` holds. If the key is absent, sets it to `value` first; null without `value`. */
export function setdefault<T extends object, K extends keyof T & string>(
  dict: T,
  key: K,
  value?: T[K],
): NonNullable<T[K]> {
  return callDictMethod(setdefault, dict, 'setdefault', key, value) as NonNullable<T[K]>;
}
