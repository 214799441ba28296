import type { CopiedValue } from '../copy-in.js';
import { Container } from './container.js';
import { isProxyOf } from './container-registry.js';

/** A list of a mirror. Each of its mutations is an `append`, `splice`, `replace` or `permute`. */
export abstract class ListContainer extends Container<unknown[]> {
  /** Adds values at the end. Returns the new length. */
  append(values: readonly unknown[]): number {
    const { raw } = this;
    const length = raw.length + values.length;
    if (values.length === 0) return length;
    const copies = this.#copyAll(values, raw.length);
    const pathText = this.locate();
    const { recorder } = this.owner;
    recorder.admit(this.name, copies.text.length, () => `${this.mutationHead('append', pathText)},[${copies.text}]]`);
    this.owner.change(this.name, raw, ['append', copies.values], this, true);
    recorder.recordAppend(this.name, raw, () => `${this.mutationHead('append', pathText)},`, copies.text);
    return length;
  }

  /** Removes `count` elements at `start` and puts `values` there. Returns the removed elements, as plain values. */
  splice(start: number, count: number, values: readonly unknown[]): unknown[] {
    if (count === 0 && start === this.raw.length) {
      this.append(values);
      return [];
    }
    if (count === 0 && values.length === 0) return [];
    const copies = this.#copyAll(values, start);
    if (start === 0 && count === 0) {
      this.#prepend(copies);
      return [];
    }
    const head = this.mutationHead('splice', this.locate());
    return this.mutate(
      ['splice', start, count, copies.values],
      head,
      `,${start},${count},[${copies.text}]`,
    ) as unknown[];
  }

  #prepend({ values, text }: { values: readonly unknown[]; text: string }): void {
    const pathText = this.locate();
    const head = () => `${this.mutationHead('splice', pathText)},0,0,`;
    const { recorder } = this.owner;
    recorder.admit(this.name, text.length, () => `${head()}[${text}]]`);
    this.owner.change(this.name, this.raw, ['splice', 0, 0, values], this, true);
    recorder.recordPrepend(this.name, this.raw, head, text);
  }

  /** Sets element `index`, which must exist, or the one after the last. Throws if it would leave a hole. */
  put(index: number, value: unknown): void {
    const { length } = this.raw;
    if (index < length) {
      if (typeof value === 'object' && isProxyOf(this.raw[index], value)) {
        // The element is this very dict or list already. A detached list throws all the same.
        this.locate();
      } else {
        const { text, value: copy } = this.copy(value, index);
        this.mutate(['set', index, copy], this.mutationHead('replace', this.locate()), `,${index},${text}`);
      }
    } else if (index === length) {
      this.append([value]);
    } else {
      const detail = `is past the end of a list of ${length} and would leave holes; use push, insert or splice`;
      throw this.error('ERR_NOT_SERIALIZABLE', detail, index);
    }
  }

  /** Reorders the list: element `order[i]` becomes element `i`. */
  permute(order: readonly number[]): void {
    if (order.every((from, to) => from === to)) return;
    this.mutate(['permute', order], this.mutationHead('permute', this.locate()), `,[${order.join()}]`);
  }

  /** Performs the assignment `list.length = length`. Throws if the list would grow, which would make holes. */
  resize(length: unknown): void {
    const size = Number(length);
    if (size >>> 0 !== size) throw new RangeError('Invalid array length');
    if (size > this.raw.length) {
      const detail = `its length is ${this.raw.length} and cannot be set to ${size}, which would make holes; push the elements, or null`;
      throw this.error('ERR_NOT_SERIALIZABLE', detail);
    }
    this.splice(size, this.raw.length - size, []);
  }

  /** Element `index` as users see it: a proxy if it is a container. */
  element(index: number): unknown {
    return this.wrapElement(this.raw[index], index);
  }

  /** `value`, which is element `index`, as users see it. */
  wrapElement(value: unknown, index: number): unknown {
    return typeof value === 'object' && value !== null ? this.child(value, index) : value;
  }

  #copyAll(values: readonly unknown[], start: number): { values: readonly unknown[]; text: string } {
    if (values.length === 1) {
      const { value, text }: CopiedValue = this.copy(values[0], start);
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

  protected findKey(child: object): number | undefined {
    const index = this.raw.indexOf(child);
    return index === -1 ? undefined : index;
  }
}
