import { type ErrorCode, SyncedMemoryError } from '../base/errors.js';
import type { Path } from '../base/path.js';
import { quoteString } from '../base/print-json.js';
import type { AssignedContainers } from './assigned-containers.js';
import { copyIn } from './copy-in.js';
import { type AppliedEdit, type Edit, performEdit, revertEdit, stateBefore } from './edit.js';
import { findList } from './find-list.js';
import { addNumbers, checkSummands, locateNumber, type NumberLocation } from './increment.js';
import { KeyOrders } from './key-orders.js';
import type { KnownAttributes } from './known-attributes.js';
import { type Container, type ContainerOwner, thaw } from './proxy/container.js';
import { findByRaw, isProxyOf } from './proxy/container-registry.js';
import { DictHandler } from './proxy/dict-handler.js';
import { ListHandler } from './proxy/list-handler.js';
import type { Recorder } from './recorder.js';
import { attributesLocation, type ContainerLocation, ResolvedPath } from './resolved-path.js';
import { Snapshots } from './snapshots.js';
import { toPlain } from './to-plain.js';

/** Follows the edits of a mirror. */
export interface EditObserver {
  /** False while nothing needs the edits. Describing an edit costs a copy of what it replaces. */
  readonly isActive: boolean;
  /** Called after each edit. Must not change the mirror. */
  observe(applied: AppliedEdit, isLocal: boolean): void;
}

/** Validates an attribute. Returns the error if it must not have this value (a snapshot). */
export type Validator = (name: string, value: unknown) => SyncedMemoryError | undefined;

/**
 * The plain values behind the proxies: every attribute of a memory, with this process's pending mutations. Local mutations come
 * from `assign`, `create`, `delete`, `increment`, `take` and the proxies, and are recorded. What comes from the core (`apply…`) is not.
 */
export class Mirror implements ContainerOwner {
  /** Raw values of the readable attributes. Users get proxies instead, from `get`. */
  readonly attributes: Record<string, unknown>;
  readonly snapshots = new Snapshots();
  readonly recorder: Recorder;
  /** True if dicts have Python's methods where no key hides them. */
  readonly hasDictMethods: boolean;
  /** Validates local mutations. */
  readonly validator: Validator | undefined;
  /** Which attributes are known; undefined if all are. */
  readonly known: KnownAttributes | undefined;
  observer: EditObserver | undefined;
  /** Reports arrays and objects that are changed after they were assigned. */
  assigned: AssignedContainers | undefined;
  /** Edits of the open batch, which may be reverted; undefined while none is open. */
  undoLog: AppliedEdit[] | undefined;
  /** Called before an attribute changes. */
  readonly beforeChange = new Set<(name: string) => void>();
  /** Proxies of attributes that can be read without a check until they change. The memory's proxy fills it. */
  readonly roots = new Map<string, object>();
  /** Errors of the unreadable attributes. */
  readonly #errors = new Map<string, SyncedMemoryError>();
  readonly #keyOrders = new KeyOrders();

  /** `attributes` is the object that holds the attributes. console.log shows its prototype's class. */
  constructor(
    recorder: Recorder,
    attributes: object = Object.create(null),
    validator?: Validator,
    hasDictMethods: boolean = true,
    known?: KnownAttributes,
  ) {
    this.hasDictMethods = hasDictMethods;
    this.recorder = recorder;
    this.attributes = attributes as Record<string, unknown>;
    this.validator = validator;
    this.known = known;
  }

  // Reading

  /** True if there is a readable attribute of this name. */
  has(name: string): boolean {
    return Object.hasOwn(this.attributes, name);
  }

  /** True if there is an attribute of this name, readable or not. */
  exists(name: string): boolean {
    return this.has(name) || this.#errors.has(name);
  }

  /** True if it is unknown whether the attribute exists. */
  isUnknown(name: string): boolean {
    return this.known?.isComplete === false && !this.exists(name) && !this.known.isKnown(name);
  }

  /** Throws ERR_NOT_LOADED if it is unknown whether the attribute exists; without a name, whether any does. */
  checkKnown(name?: string): void {
    if (this.known?.isComplete !== false) return;
    if (name === undefined) this.known.checkAll((each) => this.exists(each));
    else if (!this.exists(name)) this.known.check(name);
  }

  /** True if the attribute exists and cannot be read. */
  isUnreadable(name: string): boolean {
    return this.#errors.has(name);
  }

  /** The names of the unreadable attributes. */
  unreadable(): string[] {
    return [...this.#errors.keys()];
  }

  /** The attribute, a container as its proxy; undefined if absent. Throws if it is unreadable. */
  get(name: string): unknown {
    this.checkReadable(name);
    const value = this.has(name) ? this.attributes[name] : undefined;
    return typeof value === 'object' && value !== null ? this.#wrapAttribute(value, name).proxy : value;
  }

  /** The attribute as a frozen plain value, the same object while it does not change. Throws if it is unreadable. */
  snapshot(name: string): unknown {
    this.checkReadable(name);
    return this.has(name) ? this.snapshots.of(this.attributes[name]) : undefined;
  }

  /** Throws if what is stored for the attribute is not a document. */
  checkReadable(name: string): void {
    const error = this.#errors.get(name);
    if (error !== undefined) throw new SyncedMemoryError(error.code, error.message, { attribute: name, cause: error });
  }

  // Local mutations

  /** Assigns a copy of `value` to the attribute; undefined deletes it. The caller has checked the name. */
  assign(name: string, value: unknown): void {
    if (value === undefined) {
      this.delete(name);
      return;
    }
    if (this.has(name) && isProxyOf(this.attributes[name], value)) return;
    const copy = copyIn(value, name, () => [], this.assigned);
    this.#mutateAttribute(name, ['set', name, copy.value], `["assign",${quoteString(name)},`, copy.text);
  }

  /** Creates the attribute unless it exists here, or turns out to exist on the server. */
  create(name: string, value: unknown): void {
    if (this.exists(name) || value === undefined) return;
    const copy = copyIn(value, name, () => []);
    this.#mutateAttribute(name, ['set', name, copy.value], `["create",${quoteString(name)},`, copy.text);
  }

  /** Deletes the attribute. Returns false, and records nothing, if it is known that it does not exist. */
  delete(name: string): boolean {
    if (!this.exists(name) && !this.isUnknown(name)) return false;
    this.#mutateAttribute(name, ['unset', name], `["delete",${quoteString(name)}`, '');
    return true;
  }

  /**
   * Adds to the number at `path`, which is 0 if a dict, or the memory, does not have it. `expectResult` is called after every
   * check has passed and before the mutation is recorded; its return value is returned.
   */
  increment<T>(name: string, path: Path, by: number | bigint, expectResult: () => T): T {
    this.checkReadable(name);
    const number = this.#locateNumber(name, path);
    const containerPath = number.container.path();
    const fullPath = containerPath === undefined ? [] : [...containerPath, number.key];
    checkSummands(number.value, by, name, path);
    const addend = copyIn(by, name, () => path).text;
    const head = `["increment",${quoteString(name)},${JSON.stringify(fullPath)},`;
    // The sum of two large floats can be Infinity.
    copyIn(addNumbers(number.value, by), name, () => path);
    this.#admit(name, head, addend);
    this.#add(name, number, by, true);
    const result = expectResult();
    this.recorder.record(name, head, addend);
    return result;
  }

  /**
   * Removes the first element (`shift`) or the last one (`pop`) of the list at `path`, and records that the server removes
   * whichever is there by then. `expectResult` is called as by {@link increment}. Records nothing, and returns undefined, if the list
   * is empty or absent. Throws ERR_NOT_A_LIST.
   */
  take<T>(name: string, path: Path, kind: 'shift' | 'pop', expectResult: () => T): T | undefined {
    this.checkReadable(name);
    const list = findList(this.attributes, this.snapshots, name, path);
    const length = (list?.raw as unknown[] | undefined)?.length;
    if (list === undefined || !length) return undefined;
    const head = `["${kind}",${quoteString(name)},`;
    const rest = JSON.stringify(list.path());
    this.#admit(name, head, rest);
    this.change(name, list.raw, ['splice', kind === 'shift' ? 0 : length - 1, 1, []], list, true);
    const result = expectResult();
    this.recorder.record(name, head, rest);
    return result;
  }

  /** True if the list at `path` has no elements, or there is nothing at `path`. Throws ERR_NOT_A_LIST. */
  isEmptyList(name: string, path: Path): boolean {
    this.checkReadable(name);
    const list = findList(this.attributes, this.snapshots, name, path);
    return list === undefined || (list.raw as unknown[]).length === 0;
  }

  #locateNumber(name: string, path: Path): NumberLocation {
    const container = this.#resolve(name, path.length === 0 ? undefined : path.slice(0, -1), 'ERR_NOT_FOUND');
    return locateNumber(container, name, path, path.at(-1) ?? name);
  }

  #add(name: string, { container, key, value }: NumberLocation, by: number | bigint, isLocal: boolean): void {
    const location = container.path() === undefined ? attributesLocation : container;
    this.change(name, container.raw, ['set', key, addNumbers(value, by)], location, isLocal);
  }

  #mutateAttribute(name: string, edit: Edit, head: string, rest: string): void {
    this.#admit(name, head, rest);
    this.change(name, this.attributes, edit, attributesLocation, true);
    this.recorder.record(name, head, rest);
  }

  #admit(name: string, head: string, rest: string): void {
    this.recorder.admit(name, head.length + rest.length + 1, () => `${head}${rest}]`);
  }

  // Every change

  /**
   * Performs an edit of a container; all edits go through here. Returns what an `unset` or `splice` removed. Throws if the
   * validator refuses the result of a local edit, which is then reverted.
   */
  change(name: string, raw: object, edit: Edit, location: ContainerLocation, isLocal: boolean): unknown {
    // The iterator of an empty set costs a tenth of a whole mutation.
    if (this.beforeChange.size > 0) for (const call of this.beforeChange) call(name);
    const { undoLog } = this;
    const validator = isLocal ? this.validator : undefined;
    const observer = this.observer?.isActive ? this.observer : undefined;
    const isFollowed = undoLog !== undefined || observer !== undefined;
    const isReversible = undoLog !== undefined || validator !== undefined;
    const isDescribed = isFollowed || isReversible;
    const before = isDescribed ? stateBefore(raw, edit) : undefined;
    const order = this.#keyOrders.beforeEdit(raw, edit, isReversible);
    const path = isFollowed ? location.path() : undefined;
    const error = location === attributesLocation ? this.#errors.get(name) : undefined;
    if (error !== undefined) this.#errors.delete(name);
    if (raw === this.attributes) this.roots.delete(name);
    const removed = performEdit(raw, edit);
    if (isLocal && edit[0] === 'unset' && raw === this.attributes) this.known?.noteDeletion(name);
    if (this.snapshots.outdateByEdit(raw, edit)) location.outdateParents();
    if (!isDescribed) return removed;
    const applied: AppliedEdit = { name, path, raw, edit, before, order, error };
    const refusal = this.has(name) ? validator?.(name, this.snapshot(name)) : undefined;
    if (refusal !== undefined) {
      this.#revert(applied, location);
      this.#keyOrders.restore();
      throw refusal;
    }
    undoLog?.push(applied);
    observer?.observe(applied, isLocal);
    // The caller may change a removed value, while a revert of the batch may bring it back.
    return undoLog === undefined ? removed : toPlain(removed);
  }

  /** Reverts the last edits, of which the very last is at the end. */
  revert(edits: readonly AppliedEdit[]): void {
    for (const applied of [...edits].reverse()) this.#revert(applied, this.#resolve(applied.name, applied.path));
    this.#keyOrders.restore();
  }

  #revert(applied: AppliedEdit, location: ContainerLocation): void {
    const { name, raw, error, edit } = applied;
    revertEdit(applied);
    this.#keyOrders.revert(raw, edit, applied.order);
    if (raw === this.attributes) this.roots.delete(name);
    if (edit[0] === 'unset' && raw === this.attributes) this.known?.forgetDeletion(name);
    if (error !== undefined) this.#errors.set(name, error);
    this.snapshots.outdateAll(raw);
    location.outdateParents();
  }

  // Changes from the core

  /** The attribute has this value now, which the mirror owns from now on. */
  applyLoad(name: string, raw: unknown): void {
    this.change(name, this.attributes, ['set', name, raw], attributesLocation, false);
  }

  /** The attribute was deleted. */
  applyDeletion(name: string): void {
    if (this.exists(name)) this.change(name, this.attributes, ['unset', name], attributesLocation, false);
  }

  /** The stored bytes are not a document. Reading the attribute throws `error` until a document replaces them. */
  applyUnreadable(name: string, error: SyncedMemoryError): void {
    this.applyDeletion(name);
    this.#errors.set(name, error);
  }

  /** The attribute was changed by these mutations. They are applied in place, so references that users hold stay live. */
  applyPatch(name: string, mutations: readonly (readonly unknown[])[]): void {
    for (const [kind, , ...args] of mutations) {
      if (kind === 'assign' || kind === 'create') this.applyLoad(name, args[0]);
      else if (kind === 'delete') this.applyDeletion(name);
      else if (kind === 'increment') {
        this.#add(name, this.#locateNumber(name, args[0] as Path), args[1] as number, false);
      } else {
        // A `replace` of a list element is the edit `set`.
        const edit = [kind === 'replace' ? 'set' : kind, ...args.slice(1)];
        this.applyEdit(name, args[0] as Path, edit as unknown as Edit, false);
      }
    }
  }

  /** Performs an edit of the container at `path`; of the record of attributes if it is undefined. */
  applyEdit(name: string, path: Path | undefined, edit: Edit, isLocal: boolean): void {
    const container = this.#resolve(name, path);
    this.change(name, container.raw, edit, path === undefined ? attributesLocation : container, isLocal);
  }

  // Containers

  #resolve(name: string, path: Path | undefined, code: ErrorCode = 'ERR_INTERNAL'): ResolvedPath {
    return new ResolvedPath(this.attributes, this.snapshots, name, path, code);
  }

  /** Makes the container of a raw value that `parent` holds under `key`. */
  wrap(raw: object, name: string, parent: Container | undefined, key: string | number): Container {
    const container = Array.isArray(raw)
      ? new ListHandler(raw, this, name, parent, key)
      : new DictHandler(raw as Record<string, unknown>, this, name, parent, key);
    return container as unknown as Container;
  }

  #wrapAttribute(raw: object, name: string): Container {
    const known = findByRaw(raw) as Container | undefined;
    return known ?? this.wrap(thaw(raw, this.attributes, name, this.snapshots), name, undefined, '');
  }
}
