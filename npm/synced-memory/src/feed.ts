import { type Change, changeOf } from './change.js';
import { Changes } from './changes.js';
import type { Applied } from './edits.js';
import type { Events } from './events.js';
import type { Mirror } from './mirror.js';

/** What changes in the mirror, told to listeners and readers once it is safe to call them. */
export class Feed {
  readonly #readers = new Map<Changes, string | undefined>();
  readonly #waiting: Change[] = [];
  /** How many do not wait any more. */
  #told = 0;
  /** The revision that brings what comes from the core just now. */
  revision: bigint | undefined;
  readonly #mirror: Mirror;
  readonly #events: Events;

  constructor(mirror: Mirror, events: Events) {
    this.#mirror = mirror;
    this.#events = events;
  }

  /** Does anybody want to know? */
  get isWanted(): boolean {
    return this.#readers.size > 0 || this.#events.has('change');
  }

  note(applied: Applied, isLocal: boolean): void {
    if (!this.isWanted) return;
    const revision = isLocal ? undefined : this.revision;
    this.#waiting.push(changeOf(applied, this.#mirror.snapshots, isLocal ? 'local' : 'remote', revision));
  }

  /** How many wait: what is noted from here on can be forgotten. */
  get mark(): number {
    return this.#waiting.length;
  }

  forget(mark: number): void {
    this.#waiting.length = mark;
  }

  /** Calls everybody. Listeners may mutate: what that changes comes with the next call. */
  deliver(): void {
    if (this.#waiting.length === 0) return;
    let number = this.#told;
    const changes = this.#waiting.splice(0);
    this.#told += changes.length;
    for (const change of changes) {
      number++;
      for (const [reader, name] of this.#readers) {
        if (name === undefined || name === change.name) reader.push(change, number);
      }
      this.#events.emit('change', change);
    }
  }

  read(name: string | undefined, onEnd: () => void): Changes {
    const current = (of: string) =>
      [this.#mirror.has(of) ? this.#mirror.snapshot(of) : undefined, this.#told + this.#waiting.length] as const;
    const reader: Changes = new Changes(current, () => {
      this.#readers.delete(reader);
      onEnd();
    });
    this.#readers.set(reader, name);
    return reader;
  }

  /** No more changes will come. */
  end(): void {
    for (const reader of [...this.#readers.keys()]) reader.end();
  }
}
