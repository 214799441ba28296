import { setOwnProperty } from '../base/own-property.js';
import type { Mirror } from '../mirror/mirror.js';
import { isObjectPrototype } from '../mirror/plain-prototypes.js';
import { containerOf } from '../mirror/proxy/container.js';

/**
 * The result of a transaction, in which snapshots stand for the lists and dicts of its draft: they are of no use once the draft has
 * ended. `mirror` is the draft's. Arrays and plain objects that hold such values are copied; anything else stays as it is.
 */
export function detachResult<T>(result: T, mirror: Mirror): T {
  return new Detacher(mirror).detach(result) as T;
}

class Detacher {
  readonly #mirror: Mirror;
  /** Arrays and objects that the current value is in: they may be in themselves. */
  readonly #above = new Set<object>();

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  detach(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const container = containerOf(value);
    if (container !== undefined) {
      return container.owner === this.#mirror ? this.#mirror.snapshots.of(container.raw) : value;
    }
    // Snapshots are frozen, and have no parts of a draft in them.
    if (Object.isFrozen(value) || this.#above.has(value) || !isPlain(value)) return value;
    this.#above.add(value);
    const detached = Array.isArray(value) ? this.#detachList(value) : this.#detachDict(value);
    this.#above.delete(value);
    return detached;
  }

  #detachList(list: unknown[]): unknown[] {
    const copy = list.map((element) => this.detach(element));
    return copy.every((element, index) => Object.is(element, list[index])) ? list : copy;
  }

  #detachDict(dict: object): object {
    const entries = Object.entries(dict).map(([key, value]) => [key, value, this.detach(value)] as const);
    if (entries.every(([, value, detached]) => Object.is(value, detached))) return dict;
    const copy = {};
    for (const [key, , detached] of entries) setOwnProperty(copy, key, detached);
    return copy;
  }
}

function isPlain(value: object): boolean {
  return Array.isArray(value) || isObjectPrototype(Object.getPrototypeOf(value));
}
