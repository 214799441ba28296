import { setOwn } from './edits.js';
import { type Path, type SyncedMemoryError, syncedError } from './errors.js';
import { describeForeign } from './foreign.js';
import { looksLikeBigInt, print, quote } from './json.js';
import { unwrap } from './proxy/registry.js';

/** Containers nested in each other, the attribute's value included. The core has the same limit. */
export const MAX_DEPTH = 512;

/** A value taken in: a plain copy that belongs to the mirror, and its canonical JSON text. */
export interface Copied {
  readonly value: unknown;
  readonly text: string;
}

/**
 * Copies `value` in. `path` makes the path it is going to, asked only where a message or the depth needs it.
 * Throws ERR_NOT_SERIALIZABLE or ERR_TOO_DEEP with the path of the offending place; then nothing has happened.
 */
export function copyIn(value: unknown, name: string, path: () => Path): Copied {
  switch (typeof value) {
    case 'string':
      return { value, text: quote(value) };
    case 'boolean':
      return { value, text: value ? 'true' : 'false' };
    case 'number':
      if (Number.isSafeInteger(value)) return { value: value + 0, text: `${value}` };
      break;
    case 'object':
      if (value === null) return { value, text: 'null' };
      break;
  }
  const copier = new Copier(name, path);
  const copy = copier.copy(value);
  return { value: copy, text: copier.lossless ? JSON.stringify(copy) : print(copy) };
}

class Copier {
  /** Does JSON.stringify print what was copied? Not BigInt, nor numbers that would read as one. */
  lossless = true;
  readonly #above: object[] = [];
  readonly #below: (string | number)[] = [];
  #base: Path | undefined;
  readonly #name: string;
  readonly #path: () => Path;

  constructor(name: string, path: () => Path) {
    this.#name = name;
    this.#path = path;
  }

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (!Number.isFinite(value)) throw this.#refuse(value);
        if (looksLikeBigInt(value)) this.lossless = false;
        return value + 0; // -0 becomes 0
      case 'bigint': {
        const number = Number(value);
        if (Number.isSafeInteger(number)) return number;
        this.lossless = false;
        return value;
      }
      case 'object':
        return value === null ? null : this.#container(unwrap(value) as object);
      default:
        throw this.#refuse(value);
    }
  }

  #container(value: object): unknown {
    if (this.#above.includes(value)) throw this.#refuse(value, 'a cycle; JSON has only trees, assign an id instead');
    this.#base ??= this.#path();
    if (this.#base.length + this.#above.length >= MAX_DEPTH) throw this.#error('ERR_TOO_DEEP');
    this.#above.push(value);
    const copy = Array.isArray(value) ? this.#list(value) : this.#dict(value);
    this.#above.pop();
    return copy;
  }

  #list(value: unknown[]): unknown[] {
    if (!isArrayPrototype(Object.getPrototypeOf(value))) throw this.#refuse(value);
    const copy: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      const element = value[index];
      this.#below.push(index);
      if (element === undefined) {
        throw this.#refuse(
          element,
          index in value ? undefined : 'a hole in an array; assign null there, or filter it out',
        );
      }
      copy.push(this.copy(element));
      this.#below.pop();
    }
    return copy;
  }

  #dict(value: object): object {
    if (!isPlainPrototype(Object.getPrototypeOf(value))) throw this.#refuse(value);
    const copy = {};
    for (const key of Object.keys(value)) {
      const property = (value as Record<string, unknown>)[key];
      if (property === undefined) continue;
      this.#below.push(key);
      setOwn(copy, key, this.copy(property));
      this.#below.pop();
    }
    const symbols = Object.getOwnPropertySymbols(value);
    if (symbols.length > 0) throw this.#refuse(value, `${String(symbols[0])} as a key; use a string`);
    return copy;
  }

  #refuse(value: unknown, detail?: string): SyncedMemoryError {
    const place = [...this.#path(), ...this.#below];
    return this.#error('ERR_NOT_SERIALIZABLE', detail ?? describeForeign(value, place.at(-1) ?? this.#name));
  }

  #error(code: 'ERR_NOT_SERIALIZABLE' | 'ERR_TOO_DEEP', detail?: string): SyncedMemoryError {
    return syncedError(code, detail, this.#name, [...this.#path(), ...this.#below]);
  }
}

/** An Array.prototype, of any realm: the only array exotic object whose prototype is an Object.prototype. */
function isArrayPrototype(prototype: unknown): boolean {
  return (
    prototype === Array.prototype || (Array.isArray(prototype) && isPlainPrototype(Object.getPrototypeOf(prototype)))
  );
}

/** null or the Object.prototype of any realm. */
function isPlainPrototype(prototype: object | null): boolean {
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/**
 * A deep copy that is plain throughout: lists and dicts of a memory become arrays and objects of their own. This is
 * what structuredClone and postMessage take. Values that are neither array nor plain object are kept as they are.
 */
export function toPlain<T>(value: T): T {
  return plain(value) as T;
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const raw = unwrap(value) as object;
  if (Array.isArray(raw)) return raw.map(plain);
  if (!isPlainPrototype(Object.getPrototypeOf(raw))) return raw;
  const copy = {};
  for (const key of Object.keys(raw)) setOwn(copy, key, plain((raw as Record<string, unknown>)[key]));
  return copy;
}

/** Equal as JSON values: the order of keys does not matter, 1 and true differ. Proxies count as what they hold. */
export function deepEqual(left: unknown, right: unknown): boolean {
  const a = unwrap(left);
  const b = unwrap(right);
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return typeof b === 'bigint' && typeof a === 'number' && Number.isSafeInteger(a) && BigInt(a) === b;
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(y, key) && deepEqual(x[key], y[key]));
}
