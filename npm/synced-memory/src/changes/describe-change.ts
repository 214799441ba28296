import type { AnyState, NameOf } from '../base/any-state.js';
import { withPrintableRevisions } from '../base/printable-revisions.js';
import type { AppliedEdit } from '../mirror/edit.js';
import type { Snapshot } from '../mirror/snapshot.js';
import type { Snapshots } from '../mirror/snapshots.js';

/** The fields of changes of every kind. N is the name of the attribute. */
interface ChangeBase<N extends string> {
  /** The attribute. */
  readonly name: N;
  /**
   * Path of what changed, which begins with the attribute's name: `['tasks', 3, 'done']`. For a splice it ends in the index of the
   * first element.
   */
  readonly path: readonly [N, ...(string | number)[]];
  /** `local` for a mutation of this process. If the server refuses one, its rollback is `remote`. */
  readonly origin: 'local' | 'remote';
  /**
   * The confirmed revision that has the change; undefined if it is not acknowledged yet, or deleted the attribute. JSON.stringify
   * prints it as a string of decimal digits.
   */
  readonly revision: bigint | undefined;
  /** The writer of a `remote` change. Left out where it is unknown: a foreign writer's change, or one of several commits together. */
  readonly writer?: ChangeWriter;
}

/** A value was added or replaced. `oldValue` is undefined if there was none. */
interface SetChange<N extends string, T> extends ChangeBase<N> {
  readonly kind: 'set';
  readonly value: ValueInside<T>;
  readonly oldValue: ValueInside<T> | undefined;
}

/** A value was removed. */
interface DeleteChange<N extends string, T> extends ChangeBase<N> {
  readonly kind: 'delete';
  readonly value: undefined;
  readonly oldValue: ValueInside<T>;
}

/** The elements `oldValue` were removed from a list at the path's index, and the elements `value` inserted there. */
interface SpliceChange<N extends string, T> extends ChangeBase<N> {
  readonly kind: 'splice';
  readonly value: readonly ElementInside<T>[];
  readonly oldValue: readonly ElementInside<T>[];
}

/** The attribute is `value` now; the single steps are not known. */
interface ReloadChange<N extends string, T> extends ChangeBase<N> {
  readonly kind: 'reload';
  readonly value: unknown extends T ? unknown : Snapshot<T> | undefined;
  readonly oldValue: unknown;
}

/**
 * The effect of one mutation on one of the attributes N of a state S; `kind` tells which. All values are frozen and plain, as those of
 * `$snapshot`. They are typed for attributes without lists or dicts inside each other, and unknown for others.
 */
export type Change<S extends object = AnyState, N extends NameOf<S> = NameOf<S>> =
  N extends NameOf<S>
    ? SetChange<N, S[N]> | DeleteChange<N, S[N]> | SpliceChange<N, S[N]> | ReloadChange<N, S[N]>
    : never;

type Scalar = string | number | boolean | bigint | null | undefined;

/** A value of type T, or one in it. */
type ValueInside<T> = 0 extends 1 & T
  ? unknown
  : T extends Scalar
    ? T
    : T extends readonly (infer E)[]
      ? [E] extends [Scalar]
        ? readonly E[] | E
        : unknown
      : [Snapshot<T>[keyof Snapshot<T>]] extends [Scalar]
        ? Snapshot<T> | Snapshot<T>[keyof Snapshot<T>]
        : unknown;

/** An element of a list of type T, or of a list in it. */
type ElementInside<T> = 0 extends 1 & T
  ? unknown
  : [NonNullable<T>] extends [readonly (infer E)[]]
    ? [E] extends [Scalar]
      ? E
      : unknown
    : unknown;

/** A writer of changes: a memory that some process has opened. */
export interface ChangeWriter {
  /** A random id, which the writer has for as long as it is open. */
  readonly id: string;
  /** The option `writer` of its memory. It is of another process: do not trust it. */
  readonly label?: string;
}

/** Freezes a change, and lets JSON.stringify print its revision. */
export function freezeChange(change: Change): Change {
  return Object.freeze(withPrintableRevisions(change, 'revision'));
}

/** Describes an edit as a change. Must be called before the next edit. */
export function describeChange(
  { name, path: containerPath, raw, edit, before, error }: AppliedEdit,
  snapshots: Snapshots,
  origin: Change['origin'],
  revision: bigint | undefined,
  writer?: ChangeWriter,
): Change {
  const above = containerPath === undefined ? [] : [name, ...containerPath];
  // The arrays of elements are no containers of the mirror, so each element has a snapshot of its own.
  const freezeElements = (values: readonly unknown[]) => Object.freeze(values.map((value) => snapshots.of(value)));
  const change = (
    kind: Change['kind'],
    path: readonly (string | number)[],
    value: unknown,
    oldValue: unknown,
  ): Change =>
    freezeChange({
      name,
      path: Object.freeze(path) as Change['path'],
      kind,
      value,
      oldValue,
      origin,
      revision,
      ...(writer && { writer }),
    } as Change);
  const list = raw as unknown[];
  switch (edit[0]) {
    case 'set': {
      const kind = error === undefined ? 'set' : 'reload';
      return change(kind, [...above, edit[1]], snapshots.of(edit[2]), snapshots.of(before));
    }
    case 'unset':
      return change('delete', [...above, edit[1]], undefined, snapshots.of(before));
    case 'append':
      return change('splice', [...above, list.length - edit[1].length], freezeElements(edit[1]), Object.freeze([]));
    case 'splice':
      return change('splice', [...above, edit[1]], freezeElements(edit[3]), freezeElements(before as unknown[]));
    case 'clear': {
      const oldValue = Object.fromEntries(
        Object.entries(before as object).map(([key, value]) => [key, snapshots.of(value)]),
      );
      return change('set', above, snapshots.of(raw), Object.freeze(oldValue));
    }
    case 'permute':
      return change('set', above, snapshots.of(raw), freezeElements(before as unknown[]));
  }
}

/** True if the change concerns the value at `path` (which begins with the attribute's name), or a value inside it. */
export function concernsPath({ path: changed, kind }: Change, path: readonly (string | number)[]): boolean {
  const last = changed.length - 1;
  for (let depth = 0; depth < changed.length && depth < path.length; depth++) {
    // 3 and '3' are the same key in JavaScript.
    if (String(changed[depth]) === String(path[depth])) continue;
    // A splice moves the elements behind it.
    return kind === 'splice' && depth === last && Number(changed[depth]) < Number(path[depth]);
  }
  return true;
}
