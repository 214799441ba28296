import { quote } from '../json.js';
import type { Copied } from '../values.js';
import { dictMethods } from './dict-methods.js';
import { Container } from './handler.js';
import { BRAND, isProxyOf } from './registry.js';

type Dict = Record<string, unknown>;

/** A dict of the mirror. Every mutation of it is one of: set, unset, clear. */
export class DictContainer extends Container<Dict> {
  /** Sets `key`; undefined removes it. */
  put(key: string, value: unknown): void {
    if (value === undefined) {
      this.unset(key);
    } else if (isProxyOf(this.raw[key], value)) {
      this.locate(); // it is there already, under this very key
    } else {
      this.putCopy(key, this.copy(value, key));
    }
  }

  putCopy(key: string, copy: Copied): void {
    this.mutate(['set', key, copy.value], this.wire('set', `,${quote(key)},${copy.text}`));
  }

  /** Removes `key`; what it held, a plain value from now on. */
  unset(key: string): unknown {
    if (!Object.hasOwn(this.raw, key)) return undefined;
    return this.mutate(['unset', key], this.wire('unset', `,${quote(key)}`));
  }

  clear(): void {
    if (Object.keys(this.raw).length > 0) this.mutate(['clear'], this.wire('clear', ''));
  }

  get(target: Dict, key: string | symbol): unknown {
    if (typeof key === 'symbol') return key === BRAND ? 'dict' : Reflect.get(target, key);
    const value = target[key];
    if (typeof value === 'object' && value !== null) {
      // The only inherited object is Object.prototype, by `__proto__`.
      return key !== '__proto__' || Object.hasOwn(target, key) ? this.child(value, key) : value;
    }
    return value === undefined ? dictMethods.get(key) : value;
  }

  protected write(key: string | symbol, value: unknown): void {
    if (typeof key === 'symbol') throw this.symbolError(key);
    this.put(key, value);
  }

  deleteProperty(_target: Dict, key: string | symbol): boolean {
    if (typeof key === 'string') this.unset(key);
    return true;
  }

  protected keyToText(key: string | number): string {
    return quote(String(key));
  }

  protected keyToPath(key: string | number): string | number {
    return key;
  }

  protected search(child: object): string | undefined {
    return Object.keys(this.raw).find((key) => this.raw[key] === child);
  }
}
