import { fromCaller } from '../base/caller-stack.js';
import { SyncedMemoryError, syncedError } from '../base/errors.js';
import type { Mirror } from '../mirror/mirror.js';
import { checkAttributeName, isAttributeName } from './attribute-name.js';

/** Something with attributes: an open memory, or the draft of a transaction. */
interface AttributeOwner {
  readonly mirror: Mirror;
  /** True if reading an attribute needs {@link beforeRead} once only, until the attribute changes. */
  readonly canCacheRoots: boolean;
  /** Called before an attribute is read; without a name, before all are. */
  beforeRead(name?: string): void;
  /** Called before an attribute is deleted. */
  beforeDelete(name: string): void;
}

/** A memory as users see it: its attributes as own properties, its methods from the prototype of the mirror's record. */
export function createMemoryProxy(owner: AttributeOwner): object {
  return new Proxy(owner.mirror.attributes, new MemoryHandler(owner));
}

/** Proxy traps of a memory. The target is the mirror's record of attributes, which console.log shows. */
class MemoryHandler implements ProxyHandler<Record<string, unknown>> {
  readonly #owner: AttributeOwner;
  readonly #roots: Map<string, object>;

  constructor(owner: AttributeOwner) {
    this.#owner = owner;
    this.#roots = owner.mirror.roots;
  }

  get(target: Record<string, unknown>, key: string | symbol, receiver: unknown): unknown {
    const root = this.#roots.get(key as string);
    if (root !== undefined) return root;
    if (typeof key === 'symbol' || !isAttributeName(key)) return Reflect.get(target, key, receiver);
    this.#beforeRead(key, this.get);
    const value = this.#owner.mirror.get(key);
    if (typeof value === 'object' && value !== null && this.#owner.canCacheRoots) this.#roots.set(key, value);
    return value === undefined ? Reflect.get(target, key, receiver) : value;
  }

  #beforeRead(key: string | undefined, trap: (...args: never[]) => unknown): void {
    try {
      this.#owner.beforeRead(key);
    } catch (error) {
      throw fromCaller(error, trap);
    }
  }

  has(target: Record<string, unknown>, key: string | symbol): boolean {
    if (typeof key === 'symbol' || !isAttributeName(key)) return Reflect.has(target, key);
    this.#beforeRead(key, this.has);
    return this.#owner.mirror.exists(key) || Reflect.has(target, key);
  }

  set(_target: Record<string, unknown>, key: string | symbol, value: unknown): boolean {
    try {
      this.#owner.mirror.assign(checkAttributeName(key), value);
    } catch (error) {
      throw fromCaller(error, this.set);
    }
    return true;
  }

  deleteProperty(_target: Record<string, unknown>, key: string | symbol): boolean {
    if (typeof key === 'string' && isAttributeName(key)) {
      this.#owner.beforeDelete(key);
      this.#owner.mirror.delete(key);
    }
    return true;
  }

  defineProperty(_target: Record<string, unknown>, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const name = checkAttributeName(key);
    const { writable = true, enumerable = true, configurable = true } = descriptor;
    if (!('value' in descriptor && writable && enumerable && configurable)) {
      throw syncedError('ERR_NOT_SUPPORTED', 'only plain data properties can be synced; assign a value', name);
    }
    this.#owner.mirror.assign(name, descriptor.value);
    return true;
  }

  ownKeys(target: Record<string, unknown>): (string | symbol)[] {
    this.#beforeRead(undefined, this.ownKeys);
    return Reflect.ownKeys(target);
  }

  getOwnPropertyDescriptor(target: Record<string, unknown>, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === 'string' && isAttributeName(key)) this.#owner.beforeRead(key);
    const descriptor = Reflect.getOwnPropertyDescriptor(target, key);
    if (descriptor !== undefined) descriptor.value = this.#owner.mirror.get(key as string);
    return descriptor;
  }

  preventExtensions(): boolean {
    throw new SyncedMemoryError(
      'ERR_NOT_SUPPORTED',
      'a memory cannot be frozen, sealed or made non-extensible; freeze $snapshot() instead',
    );
  }

  setPrototypeOf(): boolean {
    throw new SyncedMemoryError('ERR_NOT_SUPPORTED', "a memory's prototype cannot be changed");
  }
}
