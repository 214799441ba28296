import { fromCaller } from '../../base/caller-stack.js';
import { isDigit, toArrayIndex } from '../array-index.js';
import { KIND } from './container-registry.js';
import { ListContainer } from './list-container.js';
import { listMethods } from './list-methods.js';

/** Proxy traps of a list. Its methods replace those of Array.prototype that mutate, or that would be slow through traps. */
export class ListHandler extends ListContainer {
  get(target: unknown[], key: string | symbol): unknown {
    const value = (target as unknown as Record<string | symbol, unknown>)[key];
    switch (typeof value) {
      case 'object':
        // An object that is not an element is Array.prototype (`__proto__`) or Symbol.unscopables.
        return value !== null && typeof key === 'string' && isDigit(key.charCodeAt(0)) ? this.child(value, key) : value;
      case 'function':
        return listMethods.get(key) ?? value;
      case 'undefined':
        return key === KIND ? 'list' : listMethods.get(key);
      default:
        return value;
    }
  }

  protected write(key: string | symbol, value: unknown): void {
    const index = toArrayIndex(key);
    if (index !== -1) this.put(index, value);
    else if (key === 'length') this.resize(value);
    else if (typeof key === 'symbol') throw this.symbolError(key);
    else throw this.error('ERR_NOT_SUPPORTED', 'a list has no keys but indexes; use a dict', key);
  }

  deleteProperty(target: unknown[], key: string | symbol): boolean {
    const index = toArrayIndex(key);
    if (index === -1) return Reflect.deleteProperty(target, key);
    if (index >= target.length) return true;
    if (index < target.length - 1) {
      const detail = 'only the last element can be deleted, others would leave a hole; use splice or assign null';
      throw fromCaller(this.error('ERR_NOT_SERIALIZABLE', detail, index), this.deleteProperty);
    }
    this.splice(index, 1, []);
    return true;
  }

  override defineProperty(target: unknown[], key: string | symbol, descriptor: PropertyDescriptor): boolean {
    if (key !== 'length') return super.defineProperty(target, key, descriptor);
    if (descriptor.writable === false) {
      throw this.error('ERR_NOT_SUPPORTED', 'the length of a list cannot be made read-only; leave it writable');
    }
    if ('value' in descriptor) this.resize(descriptor.value);
    return true;
  }
}
