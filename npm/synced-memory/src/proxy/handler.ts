import { type Edit, setOwn } from '../edits.js';
import { type ErrorCode, type Path, type SyncedMemoryError, syncedError } from '../errors.js';
import { quote } from '../json.js';
import type { Mirror } from '../mirror.js';
import type { Place } from '../trail.js';
import { type Copied, copyIn } from '../values.js';
import { containerAround, register } from './registry.js';

/**
 * One list or dict of the mirror: its place and the handler of its proxy. The proxy's target is the raw container
 * itself, so what bypasses traps (console.log) shows the plain value.
 *
 * A raw container never moves to another parent: values are copied in, and what is removed never comes back. So the
 * parent is fixed and only the key under which it holds this container (`hint`) can grow stale.
 */
export abstract class Container<R extends object = object> implements ProxyHandler<R>, Place {
  readonly proxy: R;
  #keyText = '';
  readonly #quotedName: string;
  #hint: string | number;

  constructor(
    readonly raw: R,
    readonly mirror: Mirror,
    /** The attribute this is in. */
    readonly name: string,
    readonly parent: Container | undefined,
    hint: string | number,
  ) {
    this.#hint = hint;
    this.#quotedName = quote(name);
    this.proxy = new Proxy(raw, this as ProxyHandler<R>);
    register(this as unknown as Container);
  }

  abstract get(target: R, key: string | symbol): unknown;
  /** Mutates: `key` is `value` now. Throws where it is no key of this container. */
  protected abstract write(key: string | symbol, value: unknown): void;
  /** `key` as it stands in a path's JSON text. */
  protected abstract keyToText(key: string | number): string;
  protected abstract keyToPath(key: string | number): string | number;
  /** The key under which `raw` holds `child` now. */
  protected abstract search(child: object): string | number | undefined;

  /** The proxy of `raw`, which this container holds under `key`. */
  protected child(raw: object, key: string | number): object {
    const known = containerAround(raw);
    if (known === undefined) {
      return this.mirror.wrap(thaw(raw, this.raw, key), this.name, this as unknown as Container, key).proxy;
    }
    if (known.#hint !== key) known.#moved(key);
    return known.proxy;
  }

  #moved(key: string | number): void {
    this.#hint = key;
    this.#keyText = '';
  }

  /**
   * JSON text of the path without its brackets. Throws ERR_DETACHED where this is no longer part of the memory: every
   * mutation asks for it before anything else happens.
   */
  protected locate(): string {
    const where = this.#climb();
    if (where === undefined) throw this.error('ERR_DETACHED');
    return where;
  }

  /** The same, found by climbing to the attribute; undefined where a parent does not hold its child any more. */
  #climb(): string | undefined {
    const { parent } = this;
    if (parent === undefined) return this.mirror.attributes[this.name] === this.raw ? '' : undefined;
    const above = parent.#climb();
    if (above === undefined) return undefined;
    if ((parent.raw as Record<string | number, unknown>)[this.#hint] !== this.raw) {
      const key = parent.search(this.raw);
      if (key === undefined) return undefined;
      this.#moved(key);
    }
    if (this.#keyText === '') this.#keyText = parent.keyToText(this.#hint);
    return above === '' ? this.#keyText : `${above},${this.#keyText}`;
  }

  /** What this holds under `key` has changed, or after an edit this itself: snapshots of it are out of date. */
  touched(key: string | number): void {
    if (this.mirror.snapshots.changed(this.raw, key)) this.parentTouched();
  }

  parentTouched(): void {
    if (this.parent === undefined) this.mirror.touched(this.name);
    else this.parent.touched(this.#hint);
  }

  /** The path for messages: what was known last, also where this is detached. */
  path(): (string | number)[] {
    if (this.parent === undefined) return [];
    const path = this.parent.path();
    path.push(this.parent.keyToPath(this.#hint));
    return path;
  }

  error(code: ErrorCode, detail = '', ...below: Path): SyncedMemoryError {
    return syncedError(code, detail, this.name, [...this.path(), ...below]);
  }

  /** A plain copy of a value on its way to `key`, and its text. */
  copy(value: unknown, key: string | number): Copied {
    return copyIn(value, this.name, () => [...this.path(), key]);
  }

  /** Wire text of one mutation of this container; `rest` follows the path. */
  protected wire(op: string, rest: string): string {
    return `${this.head(op, this.locate())}${rest}]`;
  }

  /** Its beginning, up to the path. */
  protected head(op: string, where: string): string {
    return `["${op}",${this.#quotedName},[${where}]`;
  }

  /** Local mutation. Gives what an `unset` or `splice` removed, plain values from now on. */
  protected mutate(edit: Edit, text: string): unknown {
    const { recorder } = this.mirror;
    recorder.admit(this.name, text.length, () => text);
    const removed = this.mirror.change(this.name, this.raw, edit, this, true);
    recorder.record(this.name, text);
    return removed;
  }

  set(target: R, key: string | symbol, value: unknown, receiver: unknown): boolean {
    // An object that inherits from the proxy, or another proxy around it: what arrives here in the end is a define.
    if (receiver !== this.proxy) return Reflect.set(target, key, value, receiver);
    this.write(key, value);
    return true;
  }

  defineProperty(target: R, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const fresh = !Object.hasOwn(target, key);
    if (typeof key === 'string') this.#checkDescriptor(descriptor, fresh, key);
    if (fresh || 'value' in descriptor) this.write(key, descriptor.value);
    return true;
  }

  getOwnPropertyDescriptor(target: R, key: string | symbol): PropertyDescriptor | undefined {
    const descriptor: PropertyDescriptor | undefined = Reflect.getOwnPropertyDescriptor(target, key);
    if (descriptor !== undefined) descriptor.value = this.get(target, key);
    return descriptor;
  }

  /** Refuses what a property descriptor says beyond "plain data property". `fresh`: there is no such property yet. */
  #checkDescriptor(descriptor: PropertyDescriptor, fresh: boolean, key: string | number): void {
    if (descriptor.get !== undefined || descriptor.set !== undefined || 'get' in descriptor || 'set' in descriptor) {
      throw this.error('ERR_NOT_SUPPORTED', 'accessors cannot be synced; assign a value', key);
    }
    const { writable = !fresh, enumerable = !fresh, configurable = !fresh } = descriptor;
    if (!(writable && enumerable && configurable)) {
      const detail =
        'a read-only or hidden property cannot be synced; assign it, or define it with writable, enumerable and configurable true';
      throw this.error('ERR_NOT_SUPPORTED', detail, key);
    }
  }

  protected symbolError(key: symbol): SyncedMemoryError {
    return this.error('ERR_NOT_SUPPORTED', `${String(key)} cannot be a key; use a string`);
  }

  preventExtensions(): boolean {
    throw this.error('ERR_NOT_SUPPORTED', 'cannot be frozen, sealed or made non-extensible; freeze a copy (toPlain)');
  }

  setPrototypeOf(target: R, prototype: object | null): boolean {
    if (prototype === Object.getPrototypeOf(target)) return true;
    throw this.error('ERR_NOT_SUPPORTED', 'its prototype cannot be changed');
  }
}

/** A container to change: `raw`, or in its place a copy where it is part of a snapshot (see Draft). */
export function thaw(raw: object, holder: object, key: string | number): object {
  if (Object.isExtensible(raw)) return raw;
  const copy = Array.isArray(raw) ? [...raw] : { ...raw };
  setOwn(holder, key, copy);
  return copy;
}
