import { SyncedMemoryError } from '../errors.js';
import { toPlain } from '../values.js';
import type { DictContainer } from './dict.js';
import { containerOf } from './registry.js';

function dictOf(value: unknown, method: string): DictContainer {
  const container = containerOf(value);
  if (container !== undefined && !Array.isArray(container.raw)) return container as unknown as DictContainer;
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${method}: not a dict of a memory; assign it to an attribute first`,
  );
}

type Body = (this: DictContainer, ...args: never[]) => unknown;

const methods = {
  update(this: DictContainer, values: object): void {
    const entries = Object.entries(values).map(
      ([key, value]) => [key, value === undefined ? undefined : this.copy(value, key)] as const,
    );
    for (const [key, copy] of entries) {
      if (copy === undefined) this.unset(key);
      else this.putCopy(key, copy);
    }
  },
  pop(this: DictContainer, key: string, ...otherwise: [unknown?]): unknown {
    if (Object.hasOwn(this.raw, key)) return this.unset(key);
    if (otherwise.length > 0) return otherwise[0];
    throw this.error('ERR_NOT_FOUND', 'pop: there is no such key; check first, or give pop a second argument', key);
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
  asDict: copied,
  asdict: copied,
} satisfies Record<string, Body>;

function copied(this: DictContainer): object {
  return toPlain(this.raw);
}

/** What a dict answers for these names where it has no such key. */
export const dictMethods: ReadonlyMap<string, unknown> = new Map(
  Object.entries<Body>(methods).map(([name, body]) => [
    name,
    function (this: unknown, ...args: never[]) {
      return body.apply(dictOf(this, name), args);
    },
  ]),
);

/** Sets every own property of `values`, one mutation each; undefined removes. Nothing is set where one is not JSON. */
export function update(dict: object, values: object): void {
  methods.update.call(dictOf(dict, 'update'), values);
}

/** Removes `key` and returns what it held, `otherwise` where it is absent. Throws ERR_NOT_FOUND without `otherwise`. */
export function popKey(dict: object, key: string, ...otherwise: [unknown?]): unknown {
  return methods.pop.call(dictOf(dict, 'pop'), key, ...otherwise);
}

/** Removes the last key and returns it with its value. Throws ERR_NOT_FOUND where the dict is empty. */
export function popitem<T extends object>(dict: T): [key: keyof T & string, value: T[keyof T & string]] {
  return methods.popitem.call(dictOf(dict, 'popitem')) as [keyof T & string, T[keyof T & string]];
}

/** What `key` holds; where it is absent, `value` (null) is set first. */
export function setdefault<T extends object, K extends keyof T & string>(
  dict: T,
  key: K,
  value?: T[K],
): NonNullable<T[K]> {
  return methods.setdefault.call(dictOf(dict, 'setdefault'), key, value) as NonNullable<T[K]>;
}
