import { KIND } from './container-registry.js';
import { DictContainer, type RawDict } from './dict-container.js';
import { dictMethods } from './dict-methods.js';

/** Proxy traps of a dict. Own keys come first, then Object.prototype, then the Python methods. */
export class DictHandler extends DictContainer {
  get(target: RawDict, key: string | symbol): unknown {
    const value = target[key as string];
    if (typeof key === 'symbol') return key === KIND ? 'dict' : value;
    if (typeof value === 'object' && value !== null) {
      // `__proto__` inherits Object.prototype, which is not part of the dict.
      return key !== '__proto__' || Object.hasOwn(target, key) ? this.child(value, key) : value;
    }
    return value === undefined && this.owner.hasDictMethods ? dictMethods.get(key) : value;
  }

  protected write(key: string | symbol, value: unknown): void {
    if (typeof key === 'symbol') throw this.symbolError(key);
    this.put(key, value);
  }

  deleteProperty(_target: RawDict, key: string | symbol): boolean {
    if (typeof key === 'string') this.unset(key);
    return true;
  }
}
