import type { AppliedEdit } from '../mirror/edit.js';
import type { EditObserver, Mirror } from '../mirror/mirror.js';
import { ChangeStream } from './change-stream.js';
import { type Change, type ChangeWriter, describeChange } from './describe-change.js';
import type { EventListeners } from './event-listeners.js';

/** The changes that a stream gets. */
interface StreamSelection {
  /** The attribute; undefined for all. */
  readonly name: string | undefined;
  /** Number of the last change before the stream was opened. */
  readonly since: number;
}

/** A change, and its number among those of the memory. Numbers only grow; those of reverted changes are left out. */
interface NumberedChange {
  readonly change: Change;
  readonly number: number;
}

/**
 * Collects the changes of a mirror, and passes them to listeners and streams when they may be called: listeners may mutate, so
 * everything that arrived together is applied first.
 */
export class ChangeDispatcher implements EditObserver {
  /** The confirmed revision of the event that is being applied. */
  revision: bigint | undefined;
  /** The writer of that event. */
  writer: ChangeWriter | undefined;
  readonly #streams = new Map<ChangeStream, StreamSelection>();
  /** Changes that were not dispatched yet. */
  readonly #waiting: NumberedChange[] = [];
  readonly #mirror: Mirror;
  readonly #listeners: EventListeners;

  /** Becomes the observer of the mirror. */
  constructor(mirror: Mirror, listeners: EventListeners) {
    this.#mirror = mirror;
    this.#listeners = listeners;
    mirror.observer = this;
  }

  /** True if a listener or stream takes changes. */
  get isActive(): boolean {
    return this.#streams.size > 0 || this.#listeners.has('change');
  }

  observe(applied: AppliedEdit, isLocal: boolean): void {
    const { snapshots } = this.#mirror;
    const change = isLocal
      ? describeChange(applied, snapshots, 'local', undefined)
      : describeChange(applied, snapshots, 'remote', this.revision, this.writer);
    this.#waiting.push({ change, number: ++this.#listeners.lastChange });
  }

  /** Number of waiting changes. {@link forget} takes it to discard those that come after. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Discards waiting changes, because their edits were reverted, until `waitingCount` are left. */
  forget(waitingCount: number): void {
    this.#waiting.length = Math.min(this.#waiting.length, waitingCount);
  }

  /** Passes on the waiting changes. Changes that listeners make are left for the next call. */
  dispatch(): void {
    for (const { change, number } of this.#waiting.splice(0)) {
      for (const [stream, { name, since }] of this.#streams) {
        if (number > since && (name === undefined || name === change.name)) stream.push(change, number);
      }
      this.#listeners.emitChange(change, number);
    }
  }

  /** Opens a stream of the changes of one attribute, or of all, from now on. */
  openStream(name: string | undefined): ChangeStream {
    const readAttribute = (attribute: string) => {
      const value = this.#mirror.has(attribute) ? this.#mirror.snapshot(attribute) : undefined;
      return [value, this.#listeners.lastChange] as const;
    };
    const stream = new ChangeStream(readAttribute, (ended) => this.#streams.delete(ended));
    this.#streams.set(stream, { name, since: this.#listeners.lastChange });
    return stream;
  }

  /** Ends all streams. */
  end(): void {
    for (const stream of [...this.#streams.keys()]) stream.end();
  }
}
