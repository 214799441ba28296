import { fromCaller } from '../../base/caller-stack.js';
import { type ErrorCode, type SyncedMemoryError, syncedError } from '../../base/errors.js';
import { setOwnProperty } from '../../base/own-property.js';
import type { Path } from '../../base/path.js';
import { quoteString } from '../../base/print-json.js';
import type { AssignedContainers } from '../assigned-containers.js';
import { type CopiedValue, copyIn, copyScalar } from '../copy-in.js';
import type { Edit } from '../edit.js';
import type { Recorder } from '../recorder.js';
import type { ContainerLocation } from '../resolved-path.js';
import type { Snapshots } from '../snapshots.js';
import { findByProxy, findByRaw, registerContainer } from './container-registry.js';

/** The mirror that a container belongs to, as far as containers use it. */
export interface ContainerOwner {
  readonly attributes: Record<string, unknown>;
  readonly snapshots: Snapshots;
  readonly recorder: Recorder;
  /** True if dicts have Python's methods. */
  readonly hasDictMethods: boolean;
  readonly assigned: AssignedContainers | undefined;
  /** Performs an edit. Returns what an `unset` or `splice` removed. */
  change(name: string, raw: object, edit: Edit, location: ContainerLocation, isLocal: boolean): unknown;
  /** Makes the container of a raw value that `parent` holds under `key`. */
  wrap(raw: object, name: string, parent: Container | undefined, key: string | number): Container;
}

/**
 * One list or dict of a mirror: its location, and the handler of its proxy. The proxy's target is the raw container itself, so
 * code that bypasses traps (console.log) shows the plain value.
 *
 * A raw container never moves to another parent: values are copied in, and a removed container never comes back. So the
 * parent is fixed, and only the key under which the parent holds this container can become outdated.
 */
export abstract class Container<R extends object = object> implements ProxyHandler<R>, ContainerLocation {
  readonly proxy: R;
  readonly #quotedName: string;
  /** The key under which the parent last held this container. */
  #key: string | number;
  /** The container that was read last. */
  #lastChild: Container | undefined;
  /** Cached text of the path, valid while the path text of the parent is `#parentPathText`; '' for none. */
  #pathText = '';
  #parentPathText = '';
  /** The last result of `mutationHead`, for `#headKind` at `#headPathText`. */
  #head = '';
  #headKind = '';
  #headPathText = '';

  constructor(
    readonly raw: R,
    readonly owner: ContainerOwner,
    /** The attribute that this container is in. */
    readonly name: string,
    readonly parent: Container | undefined,
    key: string | number,
  ) {
    this.#key = key;
    this.#quotedName = quoteString(name);
    this.proxy = new Proxy(raw, this as ProxyHandler<R>);
    registerContainer(this);
  }

  abstract get(target: R, key: string | symbol): unknown;
  /** Performs the assignment `container[key] = value`. Throws if a container of this kind cannot have the key. */
  protected abstract write(key: string | symbol, value: unknown): void;
  /** JSON text of a key in a path. */
  protected abstract keyToText(key: string | number): string;
  /** A key as it stands in a path: a number for a list. */
  protected abstract keyToPath(key: string | number): string | number;
  /** The key under which `raw` holds `child` now; undefined if it does not. */
  protected abstract findKey(child: object): string | number | undefined;

  // Location

  /** The proxy of `raw`, which this container holds under `key`. */
  protected child(raw: object, key: string | number): object {
    if (this.#lastChild?.raw === raw && this.#lastChild.#key === key) return this.#lastChild.proxy;
    let child = findByRaw(raw) as Container | undefined;
    if (child === undefined) {
      const { owner, name } = this;
      child = owner.wrap(thaw(raw, this.raw, key, owner.snapshots), name, this as unknown as Container, key);
    } else if (child.#key !== key) {
      child.#setKey(key);
    }
    this.#lastChild = child;
    return child.proxy;
  }

  #setKey(key: string | number): void {
    this.#key = key;
    this.#pathText = '';
  }

  /**
   * JSON text of the path, without its brackets. Throws ERR_DETACHED if this container is no longer part of the memory.
   * Every mutation calls it first.
   */
  protected locate(): string {
    const pathText = this.#climb();
    if (pathText === undefined) throw this.error('ERR_DETACHED');
    return pathText;
  }

  /** The text of the path, found by climbing to the attribute; undefined if a parent does not hold its child any more. */
  #climb(): string | undefined {
    const { parent } = this;
    if (parent === undefined) return this.owner.attributes[this.name] === this.raw ? '' : undefined;
    const above = parent.#climb();
    if (above === undefined) return undefined;
    if ((parent.raw as Record<string | number, unknown>)[this.#key] !== this.raw) {
      const key = parent.findKey(this.raw);
      if (key === undefined) return undefined;
      this.#setKey(key);
    }
    if (this.#pathText === '' || this.#parentPathText !== above) {
      const keyText = parent.keyToText(this.#key);
      this.#pathText = above === '' ? keyText : `${above},${keyText}`;
      this.#parentPathText = above;
    }
    return this.#pathText;
  }

  outdateParents(): void {
    const { owner, parent } = this;
    if (parent === undefined) owner.snapshots.outdateChild(owner.attributes, this.name);
    else if (owner.snapshots.outdateChild(parent.raw, this.#key)) parent.outdateParents();
  }

  /** The last known path, for messages and changes. It is known also after the container was detached. */
  path(): (string | number)[] {
    if (this.parent === undefined) return [];
    const path = this.parent.path();
    path.push(this.parent.keyToPath(this.#key));
    return path;
  }

  /** An error about this container, or about the value at the path `below` in it. */
  error(code: ErrorCode, detail = '', ...below: Path): SyncedMemoryError {
    return syncedError(code, detail, this.name, [...this.path(), ...below]);
  }

  // Mutations

  /** A plain copy of a value that is assigned to `key`, and its text. */
  copy(value: unknown, key: string | number): CopiedValue {
    return copyScalar(value) ?? copyIn(value, this.name, () => [...this.path(), key], this.owner.assigned);
  }

  /** Text of one mutation up to and including its path. */
  protected mutationHead(kind: string, pathText: string): string {
    if (this.#headKind !== kind || this.#headPathText !== pathText) {
      this.#head = `["${kind}",${this.#quotedName},[${pathText}]`;
      this.#headKind = kind;
      this.#headPathText = pathText;
    }
    return this.#head;
  }

  /**
   * Performs and records a local mutation, of which `head` and `rest` are the text without its closing bracket. Returns what an
   * `unset` or `splice` removed, as plain values.
   */
  protected mutate(edit: Edit, head: string, rest: string): unknown {
    const { recorder } = this.owner;
    recorder.admit(this.name, head.length + rest.length + 1, () => `${head}${rest}]`);
    const removed = this.owner.change(this.name, this.raw, edit, this, true);
    recorder.record(this.name, head, rest);
    return removed;
  }

  // Traps that lists and dicts have in common

  set(target: R, key: string | symbol, value: unknown, receiver: unknown): boolean {
    // Another receiver inherits from the proxy, or is a proxy around it, for which Reflect.set calls `defineProperty`.
    if (receiver !== this.proxy) return Reflect.set(target, key, value, receiver);
    try {
      this.write(key, value);
    } catch (error) {
      throw fromCaller(error, this.set);
    }
    return true;
  }

  defineProperty(target: R, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const isNew = !Object.hasOwn(target, key);
    if (typeof key === 'string') this.#checkDescriptor(descriptor, isNew, key);
    if (isNew || 'value' in descriptor) this.write(key, descriptor.value);
    return true;
  }

  getOwnPropertyDescriptor(target: R, key: string | symbol): PropertyDescriptor | undefined {
    const descriptor: PropertyDescriptor | undefined = Reflect.getOwnPropertyDescriptor(target, key);
    if (descriptor !== undefined) descriptor.value = this.get(target, key);
    return descriptor;
  }

  /** Throws unless the descriptor is one of a plain data property. `isNew`: the container has no such property yet. */
  #checkDescriptor(descriptor: PropertyDescriptor, isNew: boolean, key: string | number): void {
    if (descriptor.get !== undefined || descriptor.set !== undefined || 'get' in descriptor || 'set' in descriptor) {
      throw this.error('ERR_NOT_SUPPORTED', 'accessors cannot be synced; assign a value', key);
    }
    const { writable = !isNew, enumerable = !isNew, configurable = !isNew } = descriptor;
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
    throw this.error('ERR_NOT_SUPPORTED', 'its prototype cannot be changed; assign a plain object or array');
  }
}

/** The container of a proxy; undefined for every other value. */
export function containerOf(value: unknown): Container | undefined {
  return findByProxy(value) as Container | undefined;
}

/**
 * Returns `raw`. A frozen snapshot, as in a transaction's draft, is first replaced in `holder` by a mutable copy, whose snapshot it
 * is.
 */
export function thaw(raw: object, holder: object, key: string | number, snapshots: Snapshots): object {
  if (Object.isExtensible(raw)) return raw;
  const copy = Array.isArray(raw) ? [...raw] : { ...raw };
  setOwnProperty(holder, key, copy);
  snapshots.adopt(copy, raw);
  return copy;
}
