import { Batch } from './batch.js';
import { type Edit, setOwn } from './edits.js';
import { type Path, SyncedMemoryError } from './errors.js';
import { Mirror } from './mirror.js';
import type { Recorder } from './recorder.js';
import { toPlain } from './values.js';

/** One edit of a draft, with values of its own. */
interface Step {
  readonly name: string;
  readonly path: Path | undefined;
  readonly edit: Edit;
}

/**
 * A copy of a memory to try mutations on. It begins as the snapshot of one moment; attributes are taken over when they are
 * first looked at, or before the memory changes them, so that it costs what is looked at and what changes meanwhile.
 */
export class Draft implements Recorder {
  readonly mirror: Mirror;
  readonly batch = new Batch();
  readonly journal: Step[] = [];
  /** Snapshots as of the beginning: undefined where there was nothing. */
  readonly #start = new Map<string, unknown>();
  readonly #looked = new Set<string>();
  readonly #changed = new Set<string>();
  #ended = false;
  readonly #of: Mirror;

  constructor(of: Mirror) {
    this.#of = of;
    this.mirror = new Mirror(this, {});
    this.mirror.check = of.check;
    this.mirror.observer = ({ name, path, edit }) => {
      this.keep(name);
      // The draft may go on changing what it was given.
      this.journal.push({ name, path, edit: toPlain(edit) });
      this.#changed.add(name);
    };
    of.drafts.add(this);
  }

  /** The memory is about to change the attribute. */
  keep(name: string): void {
    if (!this.#start.has(name)) this.#start.set(name, this.#now(name));
  }

  #now(name: string): unknown {
    return this.#of.has(name) ? this.#of.snapshots.of(this.#of.attributes[name]) : undefined;
  }

  /** An attribute is about to be read; without a name all are. */
  beforeRead(name?: string): void {
    const { attributes } = this.#of;
    for (const each of name === undefined ? [...Object.keys(attributes), ...this.#start.keys()] : [name]) {
      this.keep(each);
      const value = this.#start.get(each);
      if (value !== undefined && !this.#looked.has(each) && !this.#changed.has(each)) {
        setOwn(this.mirror.attributes, each, value);
      }
      this.#looked.add(each);
      this.#of.checkReadable(each);
    }
  }

  /** Attributes that it relies on and leaves as they are. */
  onlyRead(): string[] {
    return [...this.#looked].filter((name) => !this.#changed.has(name));
  }

  /** Is everything that it relies on still as it was? */
  isCurrent(): boolean {
    return [...this.#looked, ...this.#changed].every((name) => this.#now(name) === this.#start.get(name));
  }

  /** It takes no more mutations. */
  end(): void {
    this.#ended = true;
    this.#of.drafts.delete(this);
  }

  admit(): void {
    if (!this.#ended) return;
    throw new SyncedMemoryError('ERR_CLOSED', 'this transaction is over; mutate the memory, or start another one');
  }

  record(_name: string, text: string): void {
    this.batch.add(text);
  }

  recordAppend(_name: string, list: object, head: () => string, values: string): void {
    this.batch.append(list, head, values);
  }
}
