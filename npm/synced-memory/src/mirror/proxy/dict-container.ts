import { quoteString } from '../../base/print-json.js';
import type { CopiedValue } from '../copy-in.js';
import { Container } from './container.js';
import { isProxyOf } from './container-registry.js';

/** The raw value of a dict. */
export type RawDict = Record<string, unknown>;

/** A dict of a mirror. Each of its mutations is a `set`, `unset` or `clear`. */
export abstract class DictContainer extends Container<RawDict> {
  /** Text of the last `set` up to its value, for `#lastKey` and `#lastHead`, its text up to the path. */
  #lastSet = '';
  #lastKey = '';
  #lastHead = '';

  /** Sets `key`; undefined removes it. */
  put(key: string, value: unknown): void {
    if (value === undefined) {
      this.unset(key);
    } else if (typeof value === 'object' && isProxyOf(this.raw[key], value)) {
      // The key holds this very dict or list already. A detached dict throws all the same.
      this.locate();
    } else {
      this.putCopy(key, this.copy(value, key));
    }
  }

  /** Sets `key` to a value that was copied already. */
  putCopy(key: string, copy: CopiedValue): void {
    this.mutate(['set', key, copy.value], this.#setHead(key), copy.text);
  }

  #setHead(key: string): string {
    const head = this.mutationHead('set', this.locate());
    if (this.#lastKey !== key || this.#lastHead !== head) {
      this.#lastSet = `${head},${quoteString(key)},`;
      this.#lastKey = key;
      this.#lastHead = head;
    }
    return this.#lastSet;
  }

  /** Removes `key`. Returns what it held, as a plain value. */
  unset(key: string): unknown {
    if (!Object.hasOwn(this.raw, key)) return undefined;
    return this.mutate(['unset', key], this.mutationHead('unset', this.locate()), `,${quoteString(key)}`);
  }

  /** Removes all keys. */
  clear(): void {
    if (Object.keys(this.raw).length > 0) this.mutate(['clear'], this.mutationHead('clear', this.locate()), '');
  }

  protected keyToText(key: string | number): string {
    return quoteString(String(key));
  }

  protected keyToPath(key: string | number): string | number {
    return key;
  }

  protected findKey(child: object): string | undefined {
    return Object.keys(this.raw).find((key) => this.raw[key] === child);
  }
}
