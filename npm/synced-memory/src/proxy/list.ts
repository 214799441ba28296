import { Container } from './handler.js';
import { listMethods } from './list-methods.js';
import { BRAND, isProxyOf } from './registry.js';

/** A list of the mirror. Every mutation of it is one of: append, splice, replace, permute. */
export class ListContainer extends Container<unknown[]> {
  /** Adds to the end; the new length. */
  append(values: readonly unknown[]): number {
    const { raw } = this;
    const length = raw.length + values.length;
    if (values.length === 0) return length;
    const copies = this.#copyAll(values, raw.length);
    const where = this.locate();
    const { recorder } = this.mirror;
    recorder.admit(this.name, copies.text.length, () => `${this.head('append', where)},[${copies.text}]]`);
    this.mirror.change(this.name, raw, ['append', copies.values], this, true);
    recorder.recordAppend(this.name, raw, () => `${this.head('append', where)},`, copies.text);
    return length;
  }

  /** Removes `count` elements at `start` and puts `values` there; the removed, which are plain values from now on. */
  splice(start: number, count: number, values: readonly unknown[]): unknown[] {
    if (count === 0 && start === this.raw.length) {
      this.append(values);
      return [];
    }
    if (count === 0 && values.length === 0) return [];
    const copies = this.#copyAll(values, start);
    const text = this.wire('splice', `,${start},${count},[${copies.text}]`);
    return this.mutate(['splice', start, count, copies.values], text) as unknown[];
  }

  /** Puts `value` in the place of an element that there is. */
  #replace(index: number, value: unknown): void {
    const { text, value: copy } = this.copy(value, index);
    this.mutate(['set', index, copy], this.wire('replace', `,${index},${text}`));
  }

  /** Reorders: element `order[i]` becomes element i. */
  permute(order: readonly number[]): void {
    if (order.every((from, to) => from === to)) return;
    this.mutate(['permute', order], this.wire('permute', `,[${order.join()}]`));
  }

  /** Element `index` as users see it. */
  element(index: number): unknown {
    return this.wrapped(this.raw[index], index);
  }

  /** `value`, which is element `index`, as users see it. */
  wrapped(value: unknown, index: number): unknown {
    return typeof value === 'object' && value !== null ? this.child(value, index) : value;
  }

  /** Sets `length`: shortens; growing would make holes. */
  #resize(length: unknown): void {
    const size = Number(length);
    if (size >>> 0 !== size) throw new RangeError('Invalid array length');
    if (size > this.raw.length) {
      const detail = `its length is ${this.raw.length} and cannot be set to ${size}, that would make holes; push the elements, null where there is none`;
      throw this.error('ERR_NOT_SERIALIZABLE', detail);
    }
    this.splice(size, this.raw.length - size, []);
  }

  protected write(key: string | symbol, value: unknown): void {
    const index = toIndex(key);
    if (index === -1) {
      if (key === 'length') this.#resize(value);
      else if (typeof key === 'symbol') throw this.symbolError(key);
      else throw this.error('ERR_NOT_SUPPORTED', 'a list has no keys but indexes; use a dict', key);
    } else if (index < this.raw.length) {
      if (isProxyOf(this.raw[index], value)) this.locate();
      else this.#replace(index, value);
    } else if (index === this.raw.length) {
      this.append([value]);
    } else {
      const detail = `is past the end of a list of ${this.raw.length} and would leave holes; use push, insert or splice`;
      throw this.error('ERR_NOT_SERIALIZABLE', detail, index);
    }
  }

  get(target: unknown[], key: string | symbol): unknown {
    const value = (target as unknown as Record<string | symbol, unknown>)[key];
    switch (typeof value) {
      case 'object':
        // What is not an element is Array.prototype (by `__proto__`) or Symbol.unscopables.
        return value !== null && typeof key === 'string' && isDigit(key.charCodeAt(0)) ? this.child(value, key) : value;
      case 'function':
        return listMethods.get(key) ?? value;
      case 'undefined':
        return key === BRAND ? 'list' : listMethods.get(key);
      default:
        return value;
    }
  }

  deleteProperty(target: unknown[], key: string | symbol): boolean {
    const index = toIndex(key);
    if (index === -1) return Reflect.deleteProperty(target, key);
    if (index >= target.length) return true;
    if (index < target.length - 1) {
      const detail = 'only the last element can be deleted, others would leave a hole; use splice or assign null';
      throw this.error('ERR_NOT_SERIALIZABLE', detail, index);
    }
    this.splice(index, 1, []);
    return true;
  }

  override defineProperty(target: unknown[], key: string | symbol, descriptor: PropertyDescriptor): boolean {
    if (key !== 'length') return super.defineProperty(target, key, descriptor);
    if (descriptor.writable === false) throw this.error('ERR_NOT_SUPPORTED', 'its length cannot be made read-only');
    if ('value' in descriptor) this.#resize(descriptor.value);
    return true;
  }

  #copyAll(values: readonly unknown[], start: number): { values: readonly unknown[]; text: string } {
    if (values.length === 1) {
      const { value, text } = this.copy(values[0], start);
      return { values: [value], text };
    }
    const copies = Array.from(values, (value, offset) => this.copy(value, start + offset));
    return { values: copies.map((copy) => copy.value), text: copies.map((copy) => copy.text).join() };
  }

  protected keyToText(key: string | number): string {
    return String(key);
  }

  protected keyToPath(key: string | number): number {
    return Number(key);
  }

  protected search(child: object): number | undefined {
    const index = this.raw.indexOf(child);
    return index === -1 ? undefined : index;
  }
}

const isDigit = (code: number) => code >= 48 && code <= 57;

/** The index that a property key stands for, -1 where it is none. */
export function toIndex(key: string | symbol): number {
  if (typeof key === 'symbol' || key.length > 10 || (key.length > 1 && key.charCodeAt(0) === 48)) return -1;
  let index = key === '' ? -1 : 0;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (!isDigit(code)) return -1;
    index = index * 10 + code - 48;
  }
  return index < 2 ** 32 - 1 ? index : -1;
}
