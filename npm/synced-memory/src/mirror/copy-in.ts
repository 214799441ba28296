import { type SyncedMemoryError, syncedError } from '../base/errors.js';
import { setOwnProperty } from '../base/own-property.js';
import type { Path } from '../base/path.js';
import { printJson, printsAsBigInt, quoteString } from '../base/print-json.js';
import type { AssignedContainers } from './assigned-containers.js';
import { describeNonJson } from './non-json-hints.js';
import { isArrayPrototype, isObjectPrototype } from './plain-prototypes.js';
import { unwrap } from './proxy/container-registry.js';

/** Greatest number of containers nested in each other, the document included. The core has the same limit. */
export const MAX_DEPTH = 512;

/** The core reads no number whose text is longer than 4300 characters, of which one may be a sign. */
const MAX_DIGITS = 4300;
const TOO_LARGE = 10n ** BigInt(MAX_DIGITS - 1);

/** A plain copy of a value, which belongs to the mirror, and its canonical JSON text. */
export interface CopiedValue {
  readonly value: unknown;
  readonly text: string;
}

/** Copies a string, a safe integer, a boolean or null; undefined for anything else. */
export function copyScalar(value: unknown): CopiedValue | undefined {
  switch (typeof value) {
    case 'string':
      return { value, text: quoteString(value) };
    case 'boolean':
      return { value, text: value ? 'true' : 'false' };
    case 'number':
      return Number.isSafeInteger(value) ? { value: value + 0, text: `${value}` } : undefined;
    default:
      return value === null ? { value, text: 'null' } : undefined;
  }
}

/**
 * Copies a value that is being assigned. `path` returns the path that it is assigned to; it is called only for a message or for
 * the depth. A container is added to `assigned`. Throws ERR_NOT_SERIALIZABLE or ERR_TOO_DEEP with the path of the offending value.
 */
export function copyIn(value: unknown, name: string, path: () => Path, assigned?: AssignedContainers): CopiedValue {
  const scalar = copyScalar(value);
  if (scalar !== undefined) return scalar;
  const copier = new Copier(name, path);
  const copy = copier.copy(value);
  if (typeof value === 'object' && value !== null) assigned?.add(value, name, path);
  return { value: copy, text: copier.isPrintable ? JSON.stringify(copy) : printJson(copy) };
}

/** Copies one value recursively and keeps track of the path for error messages. */
class Copier {
  /** True while JSON.stringify prints the copy correctly. It does not for BigInts and for floats that print like them. */
  isPrintable = true;
  /** Containers that the current value is in, to find cycles. */
  readonly #above: object[] = [];
  /** Path from the assigned value to the current one. */
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
        if (!Number.isFinite(value)) throw this.#notSerializable(value);
        if (printsAsBigInt(value)) this.isPrintable = false;
        return value + 0; // -0 becomes 0
      case 'bigint': {
        const number = Number(value);
        if (Number.isSafeInteger(number)) return number;
        // To print a BigInt of millions of digits would take seconds, so the number is compared.
        if (!Number.isFinite(number) && (value >= TOO_LARGE || -value >= TOO_LARGE)) {
          throw this.#notSerializable(value, `an integer of ${MAX_DIGITS} digits or more; assign a string`);
        }
        this.isPrintable = false;
        return value;
      }
      case 'object':
        return value === null ? null : this.#copyContainer(unwrap(value) as object);
      default:
        throw this.#notSerializable(value);
    }
  }

  #copyContainer(value: object): unknown {
    if (this.#above.includes(value)) {
      throw this.#notSerializable(value, 'a cycle; JSON has only trees, assign an id instead');
    }
    this.#base ??= this.#path();
    if (this.#base.length + this.#above.length >= MAX_DEPTH) throw this.#error('ERR_TOO_DEEP');
    this.#above.push(value);
    const copy = Array.isArray(value) ? this.#copyList(value) : this.#copyDict(value);
    this.#above.pop();
    return copy;
  }

  #copyList(value: unknown[]): unknown[] {
    if (!isArrayPrototype(Object.getPrototypeOf(value))) throw this.#notSerializable(value);
    const copy: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      const element = value[index];
      this.#below.push(index);
      if (element === undefined) {
        const detail = index in value ? undefined : 'a hole in an array; assign null there, or filter it out';
        throw this.#notSerializable(element, detail);
      }
      copy.push(this.copy(element));
      this.#below.pop();
    }
    return copy;
  }

  #copyDict(value: object): object {
    if (!isObjectPrototype(Object.getPrototypeOf(value))) throw this.#notSerializable(value);
    const copy = {};
    for (const key of Object.keys(value)) {
      const property = (value as Record<string, unknown>)[key];
      if (property === undefined) continue;
      this.#below.push(key);
      setOwnProperty(copy, key, this.copy(property));
      this.#below.pop();
    }
    const symbols = Object.getOwnPropertySymbols(value);
    if (symbols.length > 0) throw this.#notSerializable(value, `${String(symbols[0])} as a key; use a string`);
    return copy;
  }

  #notSerializable(value: unknown, detail?: string): SyncedMemoryError {
    const key = [...this.#path(), ...this.#below].at(-1) ?? this.#name;
    return this.#error('ERR_NOT_SERIALIZABLE', detail ?? describeNonJson(value, key));
  }

  #error(code: 'ERR_NOT_SERIALIZABLE' | 'ERR_TOO_DEEP', detail?: string): SyncedMemoryError {
    return syncedError(code, detail, this.#name, [...this.#path(), ...this.#below]);
  }
}
