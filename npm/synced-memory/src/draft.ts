import { Batch } from './batch.js';
import type { Edit } from './edits.js';
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
 * A copy of a memory to try mutations on. It begins as the snapshot of one moment; containers are copied when they are
 * first looked at, so that it costs what is looked at.
 */
export class Draft implements Recorder {
  readonly mirror: Mirror;
  readonly batch = new Batch();
  readonly journal: Step[] = [];
  readonly #start: Record<string, unknown>;
  readonly #looked = new Set<string>();
  readonly #changed = new Set<string>();
  #ended = false;
  readonly #of: Mirror;

  constructor(of: Mirror) {
    this.#of = of;
    this.#start = of.snapshots.of(of.attributes) as Record<string, unknown>;
    this.mirror = new Mirror(this, { ...this.#start });
    this.mirror.check = of.check;
    this.mirror.observer = ({ name, path, edit }) => {
      // The draft may go on changing what it was given.
      this.journal.push({ name, path, edit: toPlain(edit) });
      this.#changed.add(name);
    };
  }

  /** An attribute is about to be read; without a name all are. */
  beforeRead(name?: string): void {
    for (const each of name === undefined ? Object.keys(this.#start) : [name]) {
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
    const now = this.#of.snapshots.of(this.#of.attributes) as Record<string, unknown>;
    const own = (of: Record<string, unknown>, name: string) => (Object.hasOwn(of, name) ? of[name] : undefined);
    return [...this.#looked, ...this.#changed].every((name) => own(now, name) === own(this.#start, name));
  }

  /** It takes no more mutations. */
  end(): void {
    this.#ended = true;
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
