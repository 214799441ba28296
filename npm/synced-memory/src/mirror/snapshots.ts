import { setOwnProperty } from '../base/own-property.js';
import type { Edit } from './edit.js';

/** Number of keys from which on a loop over known keys copies a dict in less time than a spread, which shares hidden classes. */
const WIDE = 1024;

/** The last snapshot of a container, and which parts of it the next one can reuse. */
interface SnapshotEntry {
  frozen: object;
  /** True while nothing in the container has changed since. */
  isFresh: boolean;
  /** Number of leading elements of a list that are still in their place. For a wide dict: 0 if no key can be reused. */
  kept: number;
  /** Indexes, or keys of a wide dict, whose values have changed, in the order in which new keys were added. */
  changed: Set<string | number> | undefined;
  /** Keys of a wide dict that were removed; some of them may have been added again. */
  removed: Set<string> | undefined;
  /** The keys of `frozen`; only for a wide dict. */
  keys: readonly string[] | undefined;
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

  /** The frozen copy of a raw value; the same object while nothing in it changes. Copies the containers that have changed. */
  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const entry = this.#entries.get(value);
    if (entry?.isFresh) return entry.frozen;
    if (entry !== undefined) return this.#renew(value, entry);
    // A snapshot of the memory, which the draft of a transaction has not changed.
    if (!Object.isExtensible(value)) return value;
    return this.#renew(value, this.#add(value, value, 0));
  }

  /** Notes that `frozen` is the current snapshot of a raw container. */
  adopt(raw: object, frozen: object): void {
    this.#add(raw, frozen, Number.POSITIVE_INFINITY);
  }

  #add(raw: object, frozen: object, kept: number): SnapshotEntry {
    this.#isUsed = true;
    const entry = { frozen, isFresh: true, kept, changed: undefined, removed: undefined, keys: undefined };
    this.#entries.set(raw, entry);
    return entry;
  }

  #renew(raw: object, entry: SnapshotEntry): object {
    const frozen = Object.freeze(Array.isArray(raw) ? this.#copyList(raw, entry) : this.#copyDict(raw, entry));
    entry.frozen = frozen;
    entry.isFresh = true;
    entry.kept = Number.POSITIVE_INFINITY;
    entry.changed = undefined;
    entry.removed = undefined;
    return frozen;
  }

  #copyList(raw: readonly unknown[], { frozen, kept, changed }: SnapshotEntry): unknown[] {
    // slice() of a frozen array takes eight times as long as a spread.
    const copy = kept === 0 ? [] : [...(frozen as unknown[])];
    copy.length = Math.min(copy.length, kept);
    for (const index of changed ?? []) {
      if ((index as number) < copy.length) copy[index as number] = this.of(raw[index as number]);
    }
    for (let index = copy.length; index < raw.length; index++) copy.push(this.of(raw[index]));
    return copy;
  }

  #copyDict(raw: object, entry: SnapshotEntry): object {
    if (entry.keys !== undefined && entry.kept > 0) return this.#copyWideDict(raw, entry, entry.keys);
    const keys = Object.keys(raw);
    const isWide = keys.length >= WIDE;
    entry.keys = isWide ? keys : undefined;
    const copy: Record<string, unknown> = isWide ? {} : { ...raw };
    for (const key of keys) {
      const value = (raw as Record<string, unknown>)[key];
      // The spread has copied an own key `__proto__`, too: the assignment finds it.
      if (isWide) setOwnProperty(copy, key, this.of(value));
      else if (typeof value === 'object') copy[key] = this.of(value);
    }
    return copy;
  }

  #copyWideDict(raw: object, entry: SnapshotEntry, keys: readonly string[]): object {
    const { frozen, changed, removed } = entry;
    const copy = {};
    const kept = removed === undefined ? keys : keys.filter((key) => !removed.has(key));
    for (const key of kept) setOwnProperty(copy, key, (frozen as Record<string, unknown>)[key]);
    const added: string[] = [];
    for (const key of (changed ?? []) as Iterable<string>) {
      if (!Object.hasOwn(copy, key)) added.push(key);
      setOwnProperty(copy, key, this.of((raw as Record<string, unknown>)[key]));
    }
    entry.keys = added.length === 0 ? kept : [...kept, ...added];
    return copy;
  }

  /** Notes an edit of the container. Returns true if the containers above it have to be outdated, too. */
  outdateByEdit(raw: object, edit: Edit): boolean {
    if (!this.#isUsed) return false;
    const entry = this.#entries.get(raw);
    if (entry === undefined) return false;
    switch (edit[0]) {
      case 'set':
        noteChange(entry, edit[1]);
        break;
      case 'unset':
        // A key that is added again comes last.
        entry.changed?.delete(edit[1]);
        entry.removed ??= new Set();
        entry.removed.add(edit[1]);
        break;
      case 'splice':
        entry.kept = Math.min(entry.kept, edit[1]);
        break;
      case 'append':
        break;
      default:
        entry.kept = 0;
    }
    return outdate(entry);
  }

  /** Notes that the value under `key` has changed. Returns true if the containers above have to be outdated, too. */
  outdateChild(raw: object, key: string | number): boolean {
    const entry = this.#entries.get(raw);
    if (entry === undefined) return false;
    noteChange(entry, key);
    return outdate(entry);
  }

  /** The next snapshot copies the container anew. Only values in it that have fresh snapshots are reused. */
  outdateAll(raw: object): void {
    const entry = this.#entries.get(raw);
    if (entry === undefined) return;
    entry.kept = 0;
    entry.isFresh = false;
  }
}

function noteChange(entry: SnapshotEntry, key: string | number): void {
  // Narrow dicts are copied as a whole.
  if (entry.keys === undefined && !Array.isArray(entry.frozen)) return;
  entry.changed ??= new Set();
  entry.changed.add(key);
}

function outdate(entry: SnapshotEntry): boolean {
  const wasFresh = entry.isFresh;
  entry.isFresh = false;
  return wasFresh;
}
