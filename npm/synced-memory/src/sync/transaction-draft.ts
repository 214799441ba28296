import { SyncedMemoryError, syncedError } from '../base/errors.js';
import { setOwnProperty } from '../base/own-property.js';
import type { Path } from '../base/path.js';
import type { AppliedEdit, Edit } from '../mirror/edit.js';
import { type EditObserver, Mirror } from '../mirror/mirror.js';
import type { Recorder } from '../mirror/recorder.js';
import { toPlain } from '../mirror/to-plain.js';
import { MutationBatch } from './mutation-batch.js';

/** An edit of a draft, with values of its own. */
interface DraftEdit {
  readonly name: string;
  readonly path: Path | undefined;
  readonly edit: Edit;
}

/**
 * A copy of a memory as it was at one moment, for the mutations of a transaction. An attribute is copied, as a snapshot, when the
 * draft first reads it or before the memory changes it. So a draft costs what it reads and what changes meanwhile.
 */
export class TransactionDraft implements Recorder, EditObserver {
  readonly mirror: Mirror;
  /** The draft's mutations, for the core. */
  readonly mutations = new MutationBatch();
  /** The draft's edits, to be repeated on the memory. */
  readonly edits: DraftEdit[] = [];
  readonly isActive = true;
  readonly canCacheRoots = false;
  /** True once the function of the transaction has ended. */
  isEnded = false;
  /** True once the draft has enumerated the attributes. */
  reliesOnNames = false;
  /** The unknown attributes that the draft was to read; undefined stands for the set of names. */
  readonly missing = new Set<string | undefined>();
  /** Snapshots as of the beginning; undefined for an absent attribute. */
  readonly #start = new Map<string, unknown>();
  readonly #read = new Set<string>();
  readonly #changed = new Set<string>();
  /** Attributes that transactions inside this one have changed. */
  readonly #changedInside = new Set<string>();
  /** The memory's mirror. */
  readonly original: Mirror;
  readonly #outer: TransactionDraft | undefined;
  readonly #names: readonly string[];
  readonly #keepStart = (name: string): void => {
    if (!this.#start.has(name)) this.#start.set(name, this.#current(name));
  };

  /**
   * Begins a draft of a memory's mirror. `names` are those that the memory is restricted to. `outer` is the draft of the transaction
   * whose function has called this one.
   */
  constructor(original: Mirror, names: readonly string[] = [], outer?: TransactionDraft) {
    this.#outer = outer;
    this.original = original;
    this.#names = names;
    const { validator, hasDictMethods, known } = original;
    this.mirror = new Mirror(this, {}, validator, hasDictMethods, known?.copy());
    this.mirror.observer = this;
    this.mirror.assigned = original.assigned;
    original.beforeChange.add(this.#keepStart);
  }

  #current(name: string): unknown {
    const { attributes, snapshots } = this.original;
    return this.original.has(name) ? snapshots.of(attributes[name]) : undefined;
  }

  /**
   * Copies an attribute that is about to be read; without a name, all attributes. Throws if it is unreadable, and ERR_NOT_LOADED if it
   * is unknown.
   */
  beforeRead(name?: string): void {
    if (name === undefined || !this.#changed.has(name)) this.#checkKnown(name);
    if (name === undefined) this.reliesOnNames = true;
    const all = () => [...Object.keys(this.original.attributes), ...this.#start.keys(), ...this.#names];
    for (const each of name === undefined ? all() : [name]) {
      this.#keepStart(each);
      const value = this.#start.get(each);
      if (value !== undefined && !this.#read.has(each) && !this.#changed.has(each)) {
        setOwnProperty(this.mirror.attributes, each, value);
      }
      this.#read.add(each);
      this.original.checkReadable(each);
    }
  }

  #checkKnown(name: string | undefined): void {
    try {
      this.original.checkKnown(name);
    } catch (error) {
      this.missing.add(name);
      throw error;
    }
  }

  /** Copies an attribute that is about to be deleted, if it is known. */
  beforeDelete(name: string): void {
    if (!this.original.isUnknown(name)) this.beforeRead(name);
  }

  observe({ name, path, edit }: AppliedEdit): void {
    this.#keepStart(name);
    // The draft may go on changing the values of this edit.
    this.edits.push({ name, path, edit: toPlain(edit) });
    this.#changed.add(name);
  }

  /** Attributes that the draft has changed. */
  get changedNames(): ReadonlySet<string> {
    return this.#changed;
  }

  /** Notes that a transaction inside this one has changed these attributes. */
  noteChangesInside(names: ReadonlySet<string>): void {
    for (const name of names) this.#changedInside.add(name);
    this.#outer?.noteChangesInside(names);
  }

  /**
   * Throws ERR_NOT_SUPPORTED if the draft relies on one of these attributes, which a transaction inside it changes. Default: those
   * that were changed so far.
   */
  checkChangesInside(names: ReadonlySet<string> = this.#changedInside): void {
    const name = [...names].find((each) => this.#isReliedOn(each));
    if (name !== undefined) {
      const detail =
        'a transaction inside another one changes it, and the outer one has read or changed it, so the outer one could never be committed; use the draft of the outer one for both';
      throw syncedError('ERR_NOT_SUPPORTED', detail, name);
    }
    this.#outer?.checkChangesInside(names);
  }

  /** True if the draft has read or changed anything. */
  reliesOnAnything(): boolean {
    return this.reliesOnNames || this.#read.size + this.#changed.size > 0;
  }

  /** Attributes that the draft has read and not changed. */
  readsOnly(): string[] {
    return [...this.#read].filter((name) => !this.#changed.has(name));
  }

  /** True if every attribute that the draft has read or changed is still as it was at the beginning. */
  isCurrent(): boolean {
    if (this.reliesOnNames && Object.keys(this.original.attributes).some((name) => !this.#isReliedOn(name)))
      return false;
    return [...this.#read, ...this.#changed].every((name) => this.#current(name) === this.#start.get(name));
  }

  #isReliedOn(name: string): boolean {
    return this.#read.has(name) || this.#changed.has(name);
  }

  /** Ends the draft. Mutations of it throw ERR_CLOSED from now on. */
  end(): void {
    this.isEnded = true;
    this.original.beforeChange.delete(this.#keepStart);
  }

  admit(): void {
    if (!this.isEnded) return;
    throw new SyncedMemoryError(
      'ERR_CLOSED',
      'this transaction has ended; mutate the memory, or start another transaction',
    );
  }

  record(_name: string, head: string, rest: string): void {
    this.mutations.add(head, rest);
  }

  recordAppend(_name: string, list: object, head: () => string, values: string): void {
    this.mutations.append(list, head, values);
  }

  recordPrepend(_name: string, list: object, head: () => string, values: string): void {
    this.mutations.prepend(list, head, values);
  }
}
