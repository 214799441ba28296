import { type Callable, fromCaller } from '../../base/caller-stack.js';
import { SyncedMemoryError } from '../../base/errors.js';
import { deepEqual } from '../deep-equal.js';
import { toPlain } from '../to-plain.js';
import { containerOf } from './container.js';
import { unwrap } from './container-registry.js';
import type { ListContainer } from './list-container.js';
import { ListIterator } from './list-iterator.js';

/** The list of a proxy. Throws ERR_NOT_SUPPORTED for any other value. */
function listOf(value: unknown, method: string): ListContainer {
  const list = findList(value);
  if (list !== undefined) return list;
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${method}: not a list of a memory; assign it to an attribute first`,
  );
}

function findList(value: unknown): ListContainer | undefined {
  const container = containerOf(value);
  return Array.isArray(container?.raw) ? (container as unknown as ListContainer) : undefined;
}

/** Adds one element at the end of a list of a memory. */
export function append<T>(list: readonly T[], value: T): void {
  callListMethod(append, list, 'append', value);
}

/** Adds all elements of an iterable at the end of a list of a memory, as one mutation. */
export function extend<T>(list: readonly T[], values: Iterable<T>): void {
  callListMethod(extend, list, 'extend', values);
}

/** Inserts `value` before element `index`. A negative index counts from the end; one out of range is clamped. */
export function insert<T>(list: readonly T[], index: number, value: T): void {
  callListMethod(insert, list, 'insert', index, value);
}

/** Removes the first element that is deeply equal to `value`. Throws ERR_NOT_FOUND if there is none. */
export function remove<T>(list: readonly T[], value: T): void {
  callListMethod(remove, list, 'remove', value);
}

/** Calls `list.name(...args)` for the public function `entry`. Throws ERR_NOT_SUPPORTED if `list` is not a list of a memory. */
export function callListMethod(entry: Callable, list: unknown, name: string, ...args: unknown[]): unknown {
  try {
    return (mutators[name] as Method).apply(listOf(list, name), args);
  } catch (error) {
    throw fromCaller(error, entry);
  }
}

/** Removes and returns element `index`; a negative index counts from the end. Throws if there is no such element. */
function popAt(container: ListContainer, index: number): unknown {
  const { length } = container.raw;
  if (length === 0) throw container.error('ERR_NOT_FOUND', 'pop from an empty list; check length first');
  const at = checkInteger(container, index) < 0 ? index + length : index;
  if (at < 0 || at >= length) {
    throw container.error(
      'ERR_OUT_OF_RANGE',
      `pop(${index}) of a list of ${length}; use an index from ${-length} to ${length - 1}`,
    );
  }
  return container.splice(at, 1, [])[0];
}

function checkInteger(container: ListContainer, index: number): number {
  if (Number.isInteger(index)) return index;
  throw container.error('ERR_OUT_OF_RANGE', `${String(index)} is not an index; use an integer`);
}

/** Makes a relative index absolute, as Array.prototype methods and Python's slices do. */
function clampIndex(index: number, length: number): number {
  return index < 0 ? Math.max(index + length, 0) : Math.min(index, length);
}

/** Makes an argument of any type an absolute index; `fallback` if it is undefined. */
function toAbsoluteIndex(argument: unknown, length: number, fallback: number): number {
  if (argument === undefined) return fallback;
  return clampIndex(Math.trunc(Number(argument)) || 0, length);
}

type Callback = (value: unknown, index: number, list: unknown[]) => unknown;

type Method = (this: ListContainer, ...args: unknown[]) => unknown;

/** The mutating methods of Array.prototype, and Python's. Each call is one mutation. `this` is the list. */
const mutators: Record<string, Method> = {
  push(...values) {
    return this.append(values);
  },
  pop(index) {
    if (index !== undefined) return popAt(this, index as number);
    return this.raw.length === 0 ? undefined : this.splice(this.raw.length - 1, 1, [])[0];
  },
  shift() {
    return this.raw.length === 0 ? undefined : this.splice(0, 1, [])[0];
  },
  unshift(...values) {
    this.splice(0, 0, values);
    return this.raw.length;
  },
  splice(...args) {
    const { length } = this.raw;
    const start = toAbsoluteIndex(args[0], length, 0);
    const rest = args.length === 0 ? 0 : length - start;
    const count = args.length < 2 ? rest : Math.min(Math.max(Math.trunc(Number(args[1])) || 0, 0), rest);
    return this.splice(start, count, args.slice(2));
  },
  reverse() {
    this.permute(this.raw.map((_, index) => this.raw.length - 1 - index));
    return this.proxy;
  },
  sort(compare) {
    if (compare !== undefined && typeof compare !== 'function') {
      throw new TypeError('The comparison function must be either a function or undefined');
    }
    const elements = this.raw.map((value, index) => this.wrapElement(value, index));
    const order = [...elements.keys()];
    if (typeof compare === 'function') {
      order.sort((a, b) => compare(elements[a], elements[b]));
    } else {
      const texts = elements.map(String);
      order.sort((a, b) => ((texts[a] as string) < (texts[b] as string) ? -1 : texts[a] === texts[b] ? 0 : 1));
    }
    if (this.raw.length !== order.length) {
      throw this.error('ERR_NOT_SUPPORTED', 'sort: the comparison function changed the list; let it only compare');
    }
    this.permute(order);
    return this.proxy;
  },
  fill(value, start, end) {
    const { length } = this.raw;
    const from = toAbsoluteIndex(start, length, 0);
    const count = Math.max(toAbsoluteIndex(end, length, length) - from, 0);
    if (count > 0) this.splice(from, count, Array(count).fill(value));
    return this.proxy;
  },
  copyWithin(target, start, end) {
    const { length } = this.raw;
    const to = toAbsoluteIndex(target, length, 0);
    const from = toAbsoluteIndex(start, length, 0);
    const count = Math.min(toAbsoluteIndex(end, length, length) - from, length - to);
    const copied = this.raw.slice(from, from + count).map((value, offset) => this.wrapElement(value, from + offset));
    if (count > 0 && from !== to) this.splice(to, count, copied);
    return this.proxy;
  },
  append(value) {
    this.append([value]);
  },
  extend(values) {
    this.append([...(values as Iterable<unknown>)]);
  },
  insert(index, value) {
    this.splice(clampIndex(checkInteger(this, index as number), this.raw.length), 0, [value]);
  },
  remove(value) {
    const index = this.raw.findIndex((element) => deepEqual(element, value));
    if (index === -1) {
      throw this.error('ERR_NOT_FOUND', 'remove: no element is equal to the value; check includes first');
    }
    this.splice(index, 1, []);
  },
  clear() {
    this.splice(0, this.raw.length, []);
  },
  asList: copyOf,
  aslist: copyOf,
  // A replacer function of JSON.stringify gets frozen values.
  toJSON() {
    return this.owner.snapshots.of(this.raw);
  },
};

function copyOf(this: ListContainer): unknown[] {
  return toPlain(this.raw);
}

/**
 * Reading methods that would be slow through traps. They run on the raw list and wrap the elements that they return or pass
 * on. Those with a callback use the native method on the raw list, and so see changes made meanwhile as arrays do.
 */
const readers: Record<string, Method> = {
  values() {
    return new ListIterator(this, (index) => this.element(index));
  },
  keys() {
    return new ListIterator(this, (index) => index);
  },
  entries() {
    return new ListIterator(this, (index) => [index, this.element(index)]);
  },
  slice(start, end) {
    const from = toAbsoluteIndex(start, this.raw.length, 0);
    const to = toAbsoluteIndex(end, this.raw.length, this.raw.length);
    return this.raw.slice(from, to).map((value, offset) => this.wrapElement(value, from + offset));
  },
  filter(callback, self) {
    const kept: unknown[] = [];
    if (typeof callback !== 'function') return this.raw.filter(callback as Callback);
    this.raw.forEach((value, index) => {
      const element = this.wrapElement(value, index);
      if (callback.call(self, element, index, this.proxy)) kept.push(element);
    });
    return kept;
  },
};

for (const name of ['includes', 'indexOf', 'lastIndexOf']) {
  const native = Array.prototype[name as 'indexOf'];
  readers[name] = function (value, ...from) {
    return native.call(this.raw, unwrap(value), ...(from as number[]));
  };
}

for (const name of ['forEach', 'map', 'some', 'every', 'findIndex', 'findLastIndex', 'flatMap']) {
  const native = Array.prototype[name as 'map'];
  readers[name] = function (callback, self) {
    if (typeof callback !== 'function') return native.call(this.raw, callback as Callback);
    return native.call(this.raw, (value, index) =>
      callback.call(self, this.wrapElement(value, index), index, this.proxy),
    );
  };
}

/** A method as users see it. `this` is the proxy; for an ordinary array it calls the native method. */
function toMethod(name: string, body: Method): unknown {
  const native = (Array.prototype as unknown as Record<string, unknown>)[name];
  const call = {
    [name](this: unknown, ...args: unknown[]): unknown {
      const list = findList(this);
      if (list === undefined && typeof native === 'function') return native.apply(this, args);
      try {
        return body.apply(list ?? listOf(this, name), args);
      } catch (error) {
        throw fromCaller(error, call as Method);
      }
    },
  }[name];
  if (typeof native === 'function') Object.defineProperty(call, 'length', { value: native.length });
  return call;
}

/** The methods by name, which a list returns instead of those of Array.prototype. */
export const listMethods: ReadonlyMap<string | symbol, unknown> = new Map<string | symbol, unknown>([
  ...Object.entries({ ...mutators, ...readers }).map(([name, body]) => [name, toMethod(name, body)] as const),
  [Symbol.iterator, toMethod('values', readers.values as Method)] as const,
]);
