import type { Applied } from './edits.js';
import type { Snapshots } from './snapshots.js';

/** What one mutation did. Values are frozen and plain: see `$snapshot`. */
export interface Change {
  /** The attribute. */
  readonly name: string;
  /** From the attribute's name down to what changed: `['tasks', 3, 'done']`. Of a splice, to its first element. */
  readonly path: readonly (string | number)[];
  /**
   * `set`: there is a value now, or another one. `delete`: there is none any more. `splice`: `oldValue`, an array of
   * elements, was taken out of a list at the path's index, and `value`, another, put there. `reload`: the attribute is
   * `value` now, and what led there is not known.
   */
  readonly kind: 'set' | 'delete' | 'splice' | 'reload';
  readonly value: unknown;
  readonly oldValue: unknown;
  /** Did this process do it, by a mutation? What it did is `remote` where the server took it back. */
  readonly origin: 'local' | 'remote';
  /** The attribute's confirmed revision that brought it; undefined where it is not acknowledged yet, or deleted. */
  readonly revision: bigint | undefined;
}

/** What an edit did, to be asked for before the next one. */
export function changeOf(
  { name, path, raw, edit, before, error }: Applied,
  snapshots: Snapshots,
  origin: Change['origin'],
  revision: bigint | undefined,
): Change {
  const at = path === undefined ? [] : [name, ...path];
  // Elements of a list are frozen by one: an array of them is no container of the mirror.
  const each = (values: readonly unknown[]) => Object.freeze(values.map((value) => snapshots.of(value)));
  const change = (
    kind: Change['kind'],
    place: readonly (string | number)[],
    value: unknown,
    oldValue: unknown,
  ): Change => Object.freeze({ name, path: Object.freeze(place), kind, value, oldValue, origin, revision });
  const list = raw as unknown[];
  switch (edit[0]) {
    case 'set': {
      const kind = error === undefined ? 'set' : 'reload';
      return change(kind, [...at, edit[1]], snapshots.of(edit[2]), snapshots.of(before));
    }
    case 'unset': {
      const old = (before as Record<string, unknown>)[edit[1]];
      return change('delete', [...at, edit[1]], undefined, snapshots.of(old));
    }
    case 'append':
      return change('splice', [...at, list.length - edit[1].length], each(edit[1]), Object.freeze([]));
    case 'splice':
      return change('splice', [...at, edit[1]], each(edit[3]), each(before as unknown[]));
    case 'clear': {
      const old = Object.fromEntries(
        Object.entries(before as object).map(([key, value]) => [key, snapshots.of(value)]),
      );
      return change('set', at, snapshots.of(raw), Object.freeze(old));
    }
    case 'permute':
      return change('set', at, snapshots.of(raw), each(before as unknown[]));
  }
}

/** Does the change concern what is at `place`, or in it? */
export function concerns({ path, kind }: Change, place: readonly (string | number)[]): boolean {
  const last = path.length - 1;
  for (let depth = 0; depth < path.length && depth < place.length; depth++) {
    // `3` and `"3"` are one key to JavaScript.
    if (String(path[depth]) === String(place[depth])) continue;
    // What comes or goes before an element moves it.
    return kind === 'splice' && depth === last && Number(path[depth]) < Number(place[depth]);
  }
  return true;
}
