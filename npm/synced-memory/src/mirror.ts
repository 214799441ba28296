import { type Applied, before, type Edit, perform, revert } from './edits.js';
import { type ErrorCode, type Path, SyncedMemoryError, syncedError } from './errors.js';
import { quote } from './json.js';
import { DictContainer } from './proxy/dict.js';
import { type Container, thaw } from './proxy/handler.js';
import { ListContainer } from './proxy/list.js';
import { containerAround, isProxyOf } from './proxy/registry.js';
import type { Recorder } from './recorder.js';
import { Snapshots } from './snapshots.js';
import { keyOf, type Place, Trail } from './trail.js';
import { copyIn, toPlain } from './values.js';

/** The attributes themselves: there is nothing above. */
const top: Place = { path: () => undefined, parentTouched: () => {} };

/** Is told of every change, before anything else happens. */
export type Observer = (applied: Applied, isLocal: boolean) => void;

/** Why an attribute must not have this value (a snapshot); undefined where it may. */
export type Check = (name: string, value: unknown) => SyncedMemoryError | undefined;

/**
 * The plain values behind the proxies: every attribute of a memory as this process sees it now. Local mutations go
 * through `assign`, `delete` and the proxies and are recorded; what comes from the core is applied and not recorded.
 */
export class Mirror {
  /** Raw values of the readable attributes. Not for users: `get` wraps. */
  readonly attributes: Record<string, unknown>;
  readonly snapshots = new Snapshots();
  observer: Observer | undefined;
  /** Decides on local mutations. */
  check: Check | undefined;
  /** Edits may yet be taken back. */
  isTentative = false;
  /** Are told before an attribute changes. */
  readonly drafts = new Set<{ keep(name: string): void }>();
  readonly #errors = new Map<string, SyncedMemoryError>();

  /** `attributes`: the object to keep them in, e.g. one whose prototype console.log should name. */
  constructor(
    readonly recorder: Recorder,
    attributes: object = Object.create(null),
  ) {
    this.attributes = attributes as Record<string, unknown>;
  }

  /** Is there a readable attribute of this name? */
  has(name: string): boolean {
    return Object.hasOwn(this.attributes, name);
  }

  /** Is there anything of this name, readable or not? */
  knows(name: string): boolean {
    return this.has(name) || this.#errors.has(name);
  }

  /** The attribute, a container as its proxy; undefined where absent. Throws where what is stored is unreadable. */
  get(name: string): unknown {
    this.checkReadable(name);
    const value = this.has(name) ? this.attributes[name] : undefined;
    return typeof value === 'object' && value !== null ? this.#root(value, name).proxy : value;
  }

  /** The attribute as a frozen plain value, the same as long as it does not change. Throws as `get` does. */
  snapshot(name: string): unknown {
    this.checkReadable(name);
    return this.has(name) ? this.snapshots.of(this.attributes[name]) : undefined;
  }

  /** Throws where what is stored is unreadable. */
  checkReadable(name: string): void {
    const error = this.#errors.get(name);
    if (error !== undefined) throw new SyncedMemoryError(error.code, error.message, { attribute: name, cause: error });
  }

  /** Local mutation: copies `value` in as the attribute; undefined deletes it. Whether the name is allowed is not checked. */
  assign(name: string, value: unknown): void {
    if (value === undefined) {
      this.delete(name);
      return;
    }
    if (this.has(name) && isProxyOf(this.attributes[name], value)) return;
    const copy = copyIn(value, name, () => []);
    this.#local(name, ['set', name, copy.value], `["assign",${quote(name)},${copy.text}]`);
  }

  /** Local mutation: `value` becomes the attribute unless the server turns out to have one. Does nothing where one is known. */
  create(name: string, value: unknown): void {
    if (this.knows(name) || value === undefined) return;
    const copy = copyIn(value, name, () => []);
    this.#local(name, ['set', name, copy.value], `["create",${quote(name)},${copy.text}]`);
  }

  /** Local mutation. False where there was nothing, not even something unreadable; then nothing is recorded. */
  delete(name: string): boolean {
    if (!this.knows(name)) return false;
    this.#local(name, ['unset', name], `["delete",${quote(name)}]`);
    return true;
  }

  /**
   * Local mutation: adds to the number at `path`, which counts as 0 where a dict, or the memory, has none. `promise` gives
   * that of what comes of it, and is called when nothing can go wrong any more.
   */
  increment<T>(name: string, path: Path, by: number | bigint, promise: () => T): T {
    this.checkReadable(name);
    const at = this.#numberAt(name, path);
    const above = at.place.path();
    const way = above === undefined ? [] : [...above, at.key];
    const text = `["increment",${quote(name)},${JSON.stringify(way)},${copyIn(by, name, () => path).text}]`;
    if (isWhole(at.value) && isWhole(by) && [at.value, by].some(isTooLong)) {
      throw syncedError('ERR_NOT_A_NUMBER', `$increment adds integers of up to ${MAX_DIGITS} digits`, name, path);
    }
    copyIn(sum(at.value, by), name, () => path);
    this.recorder.admit(name, text.length, () => text);
    this.#add(name, at, by, true);
    const result = promise();
    this.recorder.record(name, text);
    return result;
  }

  #add(name: string, { place, key, value }: NumberPlace, by: number | bigint, isLocal: boolean): void {
    const next = sum(value, by);
    this.change(name, place.raw, ['set', key, next], place.path() === undefined ? top : place, isLocal);
  }

  #numberAt(name: string, path: Path): NumberPlace {
    const place = this.#trail(name, path.length === 0 ? undefined : path.slice(0, -1), 'ERR_NOT_FOUND');
    const { raw } = place;
    const key = keyOf(raw, path.at(-1) ?? name);
    const value: unknown = Object.hasOwn(raw, key)
      ? (raw as Record<string | number, unknown>)[key]
      : Array.isArray(raw)
        ? undefined
        : 0;
    if (typeof value === 'number' || typeof value === 'bigint') return { place, key, value };
    throw syncedError('ERR_NOT_A_NUMBER', 'is not a number; $increment adds to numbers only', name, path);
  }

  #local(name: string, edit: Edit, text: string): void {
    this.recorder.admit(name, text.length, () => text);
    this.change(name, this.attributes, edit, top, true);
    this.recorder.record(name, text);
  }

  /**
   * Every change of a container goes through here. Gives what an `unset` or `splice` removed. A local one throws where
   * the check refuses what comes of it; then nothing has changed.
   */
  change(name: string, raw: object, edit: Edit, place: Place, isLocal: boolean): unknown {
    for (const draft of this.drafts) draft.keep(name);
    const check = isLocal ? this.check : undefined;
    const isObserved = check !== undefined || this.observer !== undefined;
    const lost = isObserved ? before(raw, edit) : undefined;
    const error = place === top ? this.#errors.get(name) : undefined;
    const path = this.observer === undefined ? undefined : place.path();
    if (error !== undefined) this.#errors.delete(name);
    const removed = perform(raw, edit);
    if (this.snapshots.edited(raw, edit)) place.parentTouched();
    if (!isObserved) return removed;
    const applied: Applied = { name, path, raw, edit, before: lost, error };
    const refusal = this.has(name) ? check?.(name, this.snapshot(name)) : undefined;
    if (refusal !== undefined) {
      this.takeBack(applied, place);
      throw refusal;
    }
    this.observer?.(applied, isLocal);
    // Who keeps what was removed may change it, and it may come back.
    return this.isTentative ? toPlain(removed) : removed;
  }

  /** Undoes the last edit. */
  takeBack(applied: Applied, place: Place = this.#trail(applied.name, applied.path)): void {
    const { name, raw, error } = applied;
    revert(applied);
    if (error !== undefined) this.#errors.set(name, error);
    this.snapshots.reset(raw);
    place.parentTouched();
  }

  /** What an attribute holds has changed. */
  touched(name: string): void {
    this.snapshots.changed(this.attributes, name);
  }

  /** From the core: the attribute is this now. The mirror owns `raw` from now on. */
  load(name: string, raw: unknown): void {
    this.change(name, this.attributes, ['set', name, raw], top, false);
  }

  /** From the core: the attribute is gone. */
  gone(name: string): void {
    if (this.knows(name)) this.change(name, this.attributes, ['unset', name], top, false);
  }

  /** From the core: what is stored is not a document. Access throws `error` until something readable replaces it. */
  unreadable(name: string, error: SyncedMemoryError): void {
    this.gone(name);
    this.#errors.set(name, error);
  }

  /** From the core: applies mutations in place, so that references that users hold stay live. */
  patch(name: string, mutations: readonly (readonly unknown[])[]): void {
    for (const [op, , ...args] of mutations) {
      if (op === 'assign' || op === 'create') this.load(name, args[0]);
      else if (op === 'delete') this.gone(name);
      else if (op === 'increment') this.#add(name, this.#numberAt(name, args[0] as Path), args[1] as number, false);
      else {
        // Of a list, too, an edit sets.
        const edit = [op === 'replace' ? 'set' : op, ...args.slice(1)];
        this.apply(name, args[0] as Path, edit as unknown as Edit, false);
      }
    }
  }

  /** Applies an edit of somebody else to the container at `path`, or without one to the attributes. */
  apply(name: string, path: Path | undefined, edit: Edit, isLocal: boolean): void {
    const place = this.#trail(name, path);
    this.change(name, place.raw, edit, path === undefined ? top : place, isLocal);
  }

  #trail(name: string, path: Path | undefined, code: ErrorCode = 'ERR_INTERNAL'): Trail {
    return new Trail(this, name, path, code);
  }

  /** The container of a raw value that `parent` holds under `key`; made on first access. */
  wrap(raw: object, name: string, parent: Container | undefined, key: string | number): Container {
    const container = Array.isArray(raw)
      ? new ListContainer(raw, this, name, parent, key)
      : new DictContainer(raw as Record<string, unknown>, this, name, parent, key);
    return container as unknown as Container;
  }

  #root(raw: object, name: string): Container {
    return containerAround(raw) ?? this.wrap(thaw(raw, this.attributes, name), name, undefined, '');
  }
}

/** Where a number is, and what it is now. */
interface NumberPlace {
  readonly place: Trail;
  readonly key: string | number;
  readonly value: number | bigint;
}

/** The core adds no longer ones. */
const MAX_DIGITS = 37;

function isTooLong(integer: number | bigint): boolean {
  return typeof integer === 'bigint' && String(integer).replace('-', '').length > MAX_DIGITS;
}

function isWhole(number: number | bigint): boolean {
  return typeof number === 'bigint' || Number.isSafeInteger(number);
}

/** Whole numbers exactly, others as JavaScript adds them. */
function sum(value: number | bigint, by: number | bigint): number | bigint {
  if (!isWhole(value) || !isWhole(by)) return Number(value) + Number(by);
  const exact = BigInt(value) + BigInt(by);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}
