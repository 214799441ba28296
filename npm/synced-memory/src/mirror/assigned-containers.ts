import { type SyncedMemoryError, syncedError } from '../base/errors.js';
import type { Path } from '../base/path.js';
import { findByProxy } from './proxy/container-registry.js';

/** Number of assigned containers that are checked in one task, the first ones. Loops that assign many must not take longer. */
const MAX_CHECKED = 8;

/** A container of the user's, of which a copy was assigned. */
interface Assignment {
  readonly original: object;
  readonly shape: Shape;
  /** The attribute. */
  readonly name: string;
  /** Returns the path that the copy was assigned to. */
  readonly path: () => Path;
}

/** The length of an array, or the keys of an object. */
type Shape = number | readonly string[];

/**
 * Arrays and objects of the user's that were assigned in the current task. The memory has copies of them, so a later change of
 * the original, as in `(mem.log ??= []).push(x)`, is lost. When the task has ended, those that have changed are reported. The
 * check is shallow.
 */
export class AssignedContainers {
  #assignments: Assignment[] = [];
  readonly #report: (warning: SyncedMemoryError) => void;

  constructor(report: (warning: SyncedMemoryError) => void) {
    this.#report = report;
  }

  /** Adds a container of which a copy is being assigned. `path` is called only if the container has changed. */
  add(original: object, name: string, path: () => Path): void {
    const { length } = this.#assignments;
    // Containers of a memory may change.
    if (length >= MAX_CHECKED || findByProxy(original) !== undefined) return;
    if (length === 0) queueMicrotask(this.#check);
    this.#assignments.push({ original, shape: shapeOf(original), name, path });
  }

  readonly #check = (): void => {
    const assignments = this.#assignments;
    this.#assignments = [];
    for (const [index, { original, shape, name, path }] of assignments.entries()) {
      if (isSameShape(shape, shapeOf(original))) continue;
      // A container that was assigned again has its new state in the memory.
      if (assignments.some((later, at) => at > index && later.original === original)) continue;
      this.#report(syncedError('ERR_CHANGED_AFTER_ASSIGN', '', name, path()));
    }
  };
}

function shapeOf(value: object): Shape {
  return Array.isArray(value) ? value.length : Object.keys(value);
}

function isSameShape(before: Shape, after: Shape): boolean {
  if (typeof before === 'number' || typeof after === 'number') return before === after;
  return before.length === after.length && before.every((key, index) => key === after[index]);
}
