import { type ErrorCode, syncedError } from '../base/errors.js';
import type { Path } from '../base/path.js';
import { toArrayIndex } from './array-index.js';
import type { Snapshots } from './snapshots.js';

/** Location of a container that is about to change. */
export interface ContainerLocation {
  /** Path of the container; undefined for the record of attributes itself. */
  path(): Path | undefined;
  /** Marks the snapshots of the containers above as outdated. */
  outdateParents(): void;
}

/** Location of the record of attributes, which has no container above it. */
export const attributesLocation: ContainerLocation = { path: () => undefined, outdateParents: () => {} };

/** A path resolved to the raw containers along it, from the record of attributes to the container at its end. */
export class ResolvedPath implements ContainerLocation {
  /** The container at the end of the path. */
  readonly raw: object;
  readonly #above: object[] = [];
  /** For each container in `#above`, the key of the next one. */
  readonly #keys: (string | number)[] = [];
  readonly #snapshots: Snapshots;

  /** An undefined `path` stands for the record of attributes. Throws `code` if there is no container at the path. */
  constructor(attributes: object, snapshots: Snapshots, name: string, path: Path | undefined, code: ErrorCode) {
    this.#snapshots = snapshots;
    let value: unknown = attributes;
    for (const [depth, step] of (path === undefined ? [] : [name, ...path]).entries()) {
      const key = toContainerKey(value as object, step);
      this.#above.push(value as object);
      this.#keys.push(key);
      value = Object.hasOwn(value as object, key) ? (value as Record<string | number, unknown>)[key] : undefined;
      if (typeof value === 'object' && value !== null) continue;
      const example = depth === 0 ? `, for example with defaults: { ${name}: {} }` : '';
      const remedy = code === 'ERR_INTERNAL' ? '' : `; create it first${example}`;
      const detail = value === undefined ? `does not exist${remedy}` : 'is neither a list nor a dict';
      throw syncedError(code, detail, name, path?.slice(0, depth));
    }
    this.raw = value as object;
  }

  path(): Path | undefined {
    return this.#keys.length === 0 ? undefined : this.#keys.slice(1);
  }

  outdateParents(): void {
    for (let depth = this.#above.length - 1; depth >= 0; depth--) {
      if (!this.#snapshots.outdateChild(this.#above[depth] as object, this.#keys[depth] as string | number)) break;
    }
  }
}

/** The key as the core has it: a number for a list, a string for a dict. Callers may pass `'3'` for 3 and the reverse. */
export function toContainerKey(container: object, key: string | number): string | number {
  if (!Array.isArray(container)) return String(key);
  return typeof key === 'number' ? key : toArrayIndex(key);
}
