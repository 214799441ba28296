import { type Edit, setOwn } from './edits.js';

/** The last snapshot of a container, and what of it can be kept for the next one. */
interface Shot {
  frozen: object;
  /** Nothing has changed since. */
  fresh: boolean;
  /** How many leading elements of a list are where they were; for a dict all keys or none. */
  kept: number;
  /** Keys and indexes of those whose values have changed. */
  readonly changed: Set<string | number>;
}

/**
 * Frozen plain copies of raw containers that share what has not changed. A container with a fresh snapshot has fresh
 * ones all the way down, so whoever changes one marks it and those it is in, up to the first that is marked already.
 */
export class Snapshots {
  readonly #shots = new WeakMap<object, Shot>();
  /** Nobody pays who never asked for one. */
  #used = false;

  /** The same object as long as nothing in it changes. Costs what has changed. */
  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    this.#used = true;
    const shot = this.#shots.get(value);
    if (shot === undefined) {
      const frozen = Object.freeze(
        Array.isArray(value) ? this.#list(value, [], 0) : this.#dict(value, {}, Object.keys(value)),
      );
      this.#shots.set(value, { frozen, fresh: true, kept: Number.POSITIVE_INFINITY, changed: new Set() });
      return frozen;
    }
    if (!shot.fresh) {
      shot.frozen = Object.freeze(Array.isArray(value) ? this.#nextList(value, shot) : this.#nextDict(value, shot));
      shot.fresh = true;
      shot.kept = Number.POSITIVE_INFINITY;
      shot.changed.clear();
    }
    return shot.frozen;
  }

  #nextList(raw: unknown[], { frozen, kept, changed }: Shot): unknown[] {
    // Of a frozen array, slice is eight times as slow as this.
    const copy = [...(frozen as unknown[])];
    copy.length = Math.min(copy.length, kept);
    for (const index of changed) {
      if ((index as number) < copy.length) copy[index as number] = this.of(raw[index as number]);
    }
    return this.#list(raw, copy, copy.length);
  }

  #nextDict(raw: object, { frozen, kept, changed }: Shot): object {
    return kept === 0 ? this.#dict(raw, {}, Object.keys(raw)) : this.#dict(raw, { ...frozen }, changed);
  }

  #list(raw: readonly unknown[], copy: unknown[], from: number): unknown[] {
    for (let index = from; index < raw.length; index++) copy.push(this.of(raw[index]));
    return copy;
  }

  #dict(raw: object, copy: object, keys: Iterable<string | number>): object {
    for (const key of keys) setOwn(copy, key, this.of((raw as Record<string | number, unknown>)[key]));
    return copy;
  }

  /** An edit has changed the container. False where what it is in is marked already, or need not be. */
  edited(raw: object, edit: Edit): boolean {
    if (!this.#used) return false;
    const shot = this.#shots.get(raw);
    if (shot === undefined) return false;
    switch (edit[0]) {
      case 'set':
        shot.changed.add(edit[1]);
        break;
      case 'splice':
        shot.kept = Math.min(shot.kept, edit[1]);
        break;
      case 'append':
        break;
      default:
        shot.kept = 0;
    }
    return this.#mark(shot);
  }

  /** The container is not what it was. */
  reset(raw: object): void {
    const shot = this.#shots.get(raw);
    if (shot === undefined) return;
    shot.kept = 0;
    shot.fresh = false;
  }

  /** What it holds under this key has changed. */
  changed(raw: object, key: string | number): boolean {
    const shot = this.#shots.get(raw);
    if (shot === undefined) return false;
    shot.changed.add(key);
    return this.#mark(shot);
  }

  #mark(shot: Shot): boolean {
    const was = shot.fresh;
    shot.fresh = false;
    return was;
  }
}
