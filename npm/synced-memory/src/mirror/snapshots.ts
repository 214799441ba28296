import { setOwnProperty } from '../base/own-property.js';
import type { Edit } from './edit.js';

/** The last snapshot of a container, and which parts of it the next one can reuse. */
interface SnapshotEntry {
  frozen: object;
  /** True while nothing in the container has changed since. */
  isFresh: boolean;
  /** Number of leading elements of a list that are still in their place. For a dict: 0 if no key can be reused. */
  kept: number;
  /** Keys and indexes whose values have changed. */
  readonly changed: Set<string | number>;
}

/**
 * Frozen plain copies of raw containers, which share unchanged parts with the previous copies. A container with a fresh
 * snapshot has fresh ones all the way down. So a change outdates the container and those above it, up to the first that is
 * outdated already.
 */
export class Snapshots {
  readonly #entries = new WeakMap<object, SnapshotEntry>();
  /** False until the first snapshot is taken, so that memories without snapshots pay nothing. */
  #isUsed = false;

  /** The frozen copy of a raw value; the same object while nothing in it changes. Costs the number of changed parts. */
  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    this.#isUsed = true;
    const entry = this.#entries.get(value);
    if (entry === undefined) {
      const frozen = Object.freeze(
        Array.isArray(value) ? this.#copyList(value, [], 0) : this.#copyDict(value, {}, Object.keys(value)),
      );
      this.#entries.set(value, { frozen, isFresh: true, kept: Number.POSITIVE_INFINITY, changed: new Set() });
      return frozen;
    }
    if (!entry.isFresh) {
      entry.frozen = Object.freeze(Array.isArray(value) ? this.#nextList(value, entry) : this.#nextDict(value, entry));
      entry.isFresh = true;
      entry.kept = Number.POSITIVE_INFINITY;
      entry.changed.clear();
    }
    return entry.frozen;
  }

  #nextList(raw: unknown[], { frozen, kept, changed }: SnapshotEntry): unknown[] {
    // slice() of a frozen array takes eight times as long as a spread.
    const copy = [...(frozen as unknown[])];
    copy.length = Math.min(copy.length, kept);
    for (const index of changed) {
      if ((index as number) < copy.length) copy[index as number] = this.of(raw[index as number]);
    }
    return this.#copyList(raw, copy, copy.length);
  }

  #nextDict(raw: object, { frozen, kept, changed }: SnapshotEntry): object {
    return kept === 0 ? this.#copyDict(raw, {}, Object.keys(raw)) : this.#copyDict(raw, { ...frozen }, changed);
  }

  #copyList(raw: readonly unknown[], copy: unknown[], from: number): unknown[] {
    for (let index = from; index < raw.length; index++) copy.push(this.of(raw[index]));
    return copy;
  }

  #copyDict(raw: object, copy: object, keys: Iterable<string | number>): object {
    for (const key of keys) setOwnProperty(copy, key, this.of((raw as Record<string | number, unknown>)[key]));
    return copy;
  }

  /** Notes an edit of the container. Returns true if the containers above it have to be outdated, too. */
  outdateByEdit(raw: object, edit: Edit): boolean {
    if (!this.#isUsed) return false;
    const entry = this.#entries.get(raw);
    if (entry === undefined) return false;
    switch (edit[0]) {
      case 'set':
        entry.changed.add(edit[1]);
        break;
      case 'splice':
        entry.kept = Math.min(entry.kept, edit[1]);
        break;
      case 'append':
        break;
      default:
        entry.kept = 0;
    }
    return this.#outdate(entry);
  }

  /** Notes that the value under `key` has changed. Returns true if the containers above have to be outdated, too. */
  outdateChild(raw: object, key: string | number): boolean {
    const entry = this.#entries.get(raw);
    if (entry === undefined) return false;
    entry.changed.add(key);
    return this.#outdate(entry);
  }

  /** The next snapshot copies the container anew. Only values in it that have fresh snapshots are reused. */
  outdateAll(raw: object): void {
    const entry = this.#entries.get(raw);
    if (entry === undefined) return;
    entry.kept = 0;
    entry.isFresh = false;
  }

  #outdate(entry: SnapshotEntry): boolean {
    const wasFresh = entry.isFresh;
    entry.isFresh = false;
    return wasFresh;
  }
}
