import { SyncedMemoryError } from '../errors.js';
import { deepEqual, toPlain } from '../values.js';

import type { ListContainer } from './list.js';
import { ListIterator } from './list-iterator.js';
import { containerOf, unwrap } from './registry.js';

/** The list behind `this` of a method. Throws where a Python-style method is called on something else. */
function listOf(value: unknown, method: string): ListContainer {
  const list = asContainer(value);
  if (list !== undefined) return list;
  throw new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${method}: not a list of a memory; assign it to an attribute first`,
  );
}

function asContainer(value: unknown): ListContainer | undefined {
  const container = containerOf(value);
  return Array.isArray(container?.raw) ? (container as unknown as ListContainer) : undefined;
}

/** Python's list methods as functions. */
export function append<T>(list: readonly T[], value: T): void {
  callOf(list, 'append', value);
}

export function extend<T>(list: readonly T[], values: Iterable<T>): void {
  callOf(list, 'extend', values);
}

/** Puts `value` before element `index`; negative indexes count from the end, indexes out of range are clamped. */
export function insert<T>(list: readonly T[], index: number, value: T): void {
  callOf(list, 'insert', index, value);
}

/** Removes the first element that is deeply equal to `value`. Throws ERR_NOT_FOUND where there is none. */
export function remove<T>(list: readonly T[], value: T): void {
  callOf(list, 'remove', value);
}

/** `list.name(...args)`. Throws where it is not a list of a memory. */
export function callOf(list: unknown, name: string, ...args: unknown[]): unknown {
  return (mutators[name] as Body).apply(listOf(list, name), args);
}

/** Removes and returns element `index` (negative: from the end). Throws where there is none. */
function popAt(container: ListContainer, index: number): unknown {
  const { length } = container.raw;
  if (length === 0) throw container.error('ERR_NOT_FOUND', 'pop from an empty list; check length first');
  const at = integer(container, index) < 0 ? index + length : index;
  if (at < 0 || at >= length) {
    throw container.error(
      'ERR_OUT_OF_RANGE',
      `pop(${index}) of a list of ${length}; use an index from ${-length} to ${length - 1}`,
    );
  }
  return container.splice(at, 1, [])[0];
}

function integer(container: ListContainer, index: number): number {
  if (Number.isInteger(index)) return index;
  throw container.error('ERR_OUT_OF_RANGE', `${String(index)} is not an index; use an integer`);
}

/** A relative index as Array.prototype methods and Python's slices take it, made absolute. */
function clamp(index: number, length: number): number {
  return index < 0 ? Math.max(index + length, 0) : Math.min(index, length);
}

/** The same for an argument of any type; `absent` where it is undefined. */
function relative(argument: unknown, length: number, absent: number): number {
  if (argument === undefined) return absent;
  return clamp(Math.trunc(Number(argument)) || 0, length);
}

type Visit = (value: unknown, index: number, list: unknown[]) => unknown;

type Body = (this: ListContainer, ...args: unknown[]) => unknown;

/** Array.prototype's mutators and Python's methods: one call, one mutation. `this` is the list. */
const mutators: Record<string, Body> = {
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
    const start = relative(args[0], length, 0);
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
    const elements = this.raw.map((value, index) => this.wrapped(value, index));
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
    const from = relative(start, length, 0);
    const count = Math.max(relative(end, length, length) - from, 0);
    if (count > 0) this.splice(from, count, Array(count).fill(value));
    return this.proxy;
  },
  copyWithin(target, start, end) {
    const { length } = this.raw;
    const to = relative(target, length, 0);
    const from = relative(start, length, 0);
    const count = Math.min(relative(end, length, length) - from, length - to);
    if (count > 0 && from !== to) this.splice(to, count, this.raw.slice(from, from + count));
    return this.proxy;
  },
  append(value) {
    this.append([value]);
  },
  extend(values) {
    this.append([...(values as Iterable<unknown>)]);
  },
  insert(index, value) {
    this.splice(clamp(integer(this, index as number), this.raw.length), 0, [value]);
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
  asList: copied,
  aslist: copied,
};

function copied(this: ListContainer): unknown[] {
  return toPlain(this.raw);
}

/**
 * Readers that would be slow through traps, on the raw list with elements wrapped on their way out. Those that take a
 * callback go by `forEach`-like native methods of the raw list, so that they see changes made meanwhile as arrays do.
 */
const readers: Record<string, Body> = {
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
    const from = relative(start, this.raw.length, 0);
    const to = relative(end, this.raw.length, this.raw.length);
    return this.raw.slice(from, to).map((value, offset) => this.wrapped(value, from + offset));
  },
  filter(visit, self) {
    const kept: unknown[] = [];
    if (typeof visit !== 'function') return this.raw.filter(visit as Visit);
    this.raw.forEach((value, index) => {
      const element = this.wrapped(value, index);
      if (visit.call(self, element, index, this.proxy)) kept.push(element);
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
  readers[name] = function (visit, self) {
    if (typeof visit !== 'function') return native.call(this.raw, visit as Visit);
    return native.call(this.raw, (value, index) => visit.call(self, this.wrapped(value, index), index, this.proxy));
  };
}

/** A property of lists that is a method: `this` is the proxy. On another array it does what arrays do. */
function method(name: string, body: Body): unknown {
  const native = (Array.prototype as unknown as Record<string, unknown>)[name];
  const call = {
    [name](this: unknown, ...args: unknown[]): unknown {
      const list = asContainer(this);
      if (list === undefined && typeof native === 'function') return native.apply(this, args);
      return body.apply(list ?? listOf(this, name), args);
    },
  }[name];
  if (typeof native === 'function') Object.defineProperty(call, 'length', { value: native.length });
  return call;
}

/** What a list answers for these names instead of what Array.prototype has. */
export const listMethods: ReadonlyMap<string | symbol, unknown> = new Map<string | symbol, unknown>([
  ...Object.entries({ ...mutators, ...readers }).map(([name, body]) => [name, method(name, body)] as const),
  [Symbol.iterator, method('values', readers.values as Body)] as const,
]);
