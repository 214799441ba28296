import { type Change, changeOf } from './change.js';
import { Changes } from './changes.js';
import type { Applied } from './edits.js';
import type { Events } from './events.js';
import type { Mirror } from './mirror.js';

/** What changes in the mirror, told to listeners and readers once it is safe to call them. */
export class Feed {
  readonly #readers = new Map<Changes, string | undefined>();
  #waiting: Change[] = [];
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
    const [origin, revision] = isLocal ? (['local', undefined] as const) : (['remote', this.revision] as const);
    this.#waiting.push(changeOf(applied, this.#mirror.snapshots, origin, revision));
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
    const changes = this.#waiting;
    this.#waiting = [];
    for (const change of changes) {
      for (const [reader, name] of this.#readers) {
        if (name === undefined || name === change.name) reader.push(change);
      }
      this.#events.emit('change', change);
    }
  }

  read(name: string | undefined, onEnd: () => void): Changes {
    const current = (of: string) => (this.#mirror.has(of) ? this.#mirror.snapshot(of) : undefined);
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
