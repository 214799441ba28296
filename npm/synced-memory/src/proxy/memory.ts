import { SyncedMemoryError, syncedError } from '../errors.js';
import type { Mirror } from '../mirror.js';
import { isWellFormed } from '../options.js';

/** What has attributes: a memory's store, or the draft of a transaction. */
interface Attributes {
  readonly mirror: Mirror;
  /** An attribute is about to be read; without a name all are. */
  beforeRead(name?: string): void;
}

/** A memory as its user sees it. */
export function memoryOf(attributes: Attributes): object {
  return new Proxy(attributes.mirror.attributes, new MemoryHandler(attributes));
}

/** Attributes as own properties. The target is the mirror's own record of them, which console.log sees. */
class MemoryHandler implements ProxyHandler<Record<string, unknown>> {
  readonly #store: Attributes;

  constructor(store: Attributes) {
    this.#store = store;
  }

  get(target: Record<string, unknown>, key: string | symbol, receiver: unknown): unknown {
    if (typeof key === 'symbol' || !isAttribute(key)) return Reflect.get(target, key, receiver);
    this.#store.beforeRead(key);
    const { mirror } = this.#store;
    return mirror.knows(key) ? mirror.get(key) : Reflect.get(target, key, receiver);
  }

  has(target: Record<string, unknown>, key: string | symbol): boolean {
    if (typeof key === 'symbol' || !isAttribute(key)) return Reflect.has(target, key);
    this.#store.beforeRead(key);
    return this.#store.mirror.knows(key) || Reflect.has(target, key);
  }

  set(_target: Record<string, unknown>, key: string | symbol, value: unknown): boolean {
    this.#store.mirror.assign(checkName(key), value);
    return true;
  }

  deleteProperty(_target: Record<string, unknown>, key: string | symbol): boolean {
    if (typeof key === 'string' && isAttribute(key)) {
      this.#store.beforeRead(key);
      this.#store.mirror.delete(key);
    }
    return true;
  }

  defineProperty(_target: Record<string, unknown>, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const name = checkName(key);
    const { writable = true, enumerable = true, configurable = true } = descriptor;
    if (!('value' in descriptor && writable && enumerable && configurable)) {
      throw syncedError('ERR_NOT_SUPPORTED', 'only plain data properties can be synced; assign a value', name);
    }
    this.#store.mirror.assign(name, descriptor.value);
    return true;
  }

  ownKeys(target: Record<string, unknown>): (string | symbol)[] {
    this.#store.beforeRead();
    return Reflect.ownKeys(target);
  }

  getOwnPropertyDescriptor(target: Record<string, unknown>, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === 'string' && isAttribute(key)) this.#store.beforeRead(key);
    const descriptor = Reflect.getOwnPropertyDescriptor(target, key);
    if (descriptor !== undefined) descriptor.value = this.#store.mirror.get(key as string);
    return descriptor;
  }

  preventExtensions(): boolean {
    throw new SyncedMemoryError('ERR_NOT_SUPPORTED', 'a memory cannot be frozen, sealed or made non-extensible');
  }

  setPrototypeOf(): boolean {
    throw new SyncedMemoryError('ERR_NOT_SUPPORTED', "a memory's prototype cannot be changed");
  }
}

/** May an attribute have this name? */
function isAttribute(name: string): boolean {
  return name !== '' && name[0] !== '$' && name[0] !== '_' && !name.includes(':');
}

/** Gives the name back. Throws ERR_RESERVED_NAME where an attribute may not have it. */
export function checkName(name: unknown): string {
  if (typeof name === 'string' && isAttribute(name) && isWellFormed(name)) return name;
  throw syncedError('ERR_RESERVED_NAME', '', String(name));
}
