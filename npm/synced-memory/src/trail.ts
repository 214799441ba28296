import { type ErrorCode, type Path, syncedError } from './errors.js';
import type { Mirror } from './mirror.js';
import { toIndex } from './proxy/list.js';

/** Where a container is that changes. */
export interface Place {
  /** From the attribute's value down; undefined for the memory itself, whose attributes change. */
  path(): Path | undefined;
  /** Snapshots of what the container is in are out of date. */
  parentTouched(): void;
}

/** The raw containers from the attributes down to one. */
export class Trail implements Place {
  readonly #above: object[] = [];
  /** Of each in `#above`, the key of the next; the last one's is that of `raw`. */
  readonly #keys: (string | number)[] = [];
  readonly raw: object;
  readonly #mirror: Mirror;

  constructor(mirror: Mirror, name: string, path: Path | undefined, code: ErrorCode) {
    this.#mirror = mirror;
    let value: unknown = mirror.attributes;
    for (const step of path === undefined ? [] : [name, ...path]) {
      const key = keyOf(value as object, step);
      this.#above.push(value as object);
      this.#keys.push(key);
      value = Object.hasOwn(value as object, key) ? (value as Record<string | number, unknown>)[key] : undefined;
      if (typeof value === 'object' && value !== null) continue;
      throw syncedError(code, 'there is no list or dict', name, path ?? []);
    }
    this.raw = value as object;
  }

  path(): Path | undefined {
    return this.#keys.length === 0 ? undefined : this.#keys.slice(1);
  }

  parentTouched(): void {
    for (let depth = this.#above.length - 1; depth >= 0; depth--) {
      if (!this.#mirror.snapshots.changed(this.#above[depth] as object, this.#keys[depth] as string | number)) break;
    }
  }
}

/** The same key as the core has it: JavaScript takes the index `'3'` and the key `3`, too. */
export function keyOf(container: object, key: string | number): string | number {
  if (!Array.isArray(container)) return String(key);
  return typeof key === 'number' ? key : toIndex(key);
}
