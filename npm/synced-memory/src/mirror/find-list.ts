import { syncedError } from '../base/errors.js';
import type { Path } from '../base/path.js';
import { ResolvedPath, toContainerKey } from './resolved-path.js';
import type { Snapshots } from './snapshots.js';

/** The list at a path; undefined if an attribute, a key or an index on the path is absent. Throws ERR_NOT_A_LIST if something else is there. */
export function findList(attributes: object, snapshots: Snapshots, name: string, path: Path): ResolvedPath | undefined {
  let value: unknown = attributes;
  for (const step of [name, ...path]) {
    if (typeof value !== 'object' || value === null) throw notAList(name, path);
    const key = toContainerKey(value, step);
    if (Array.isArray(value) && !(Number(key) >= 0)) throw notAList(name, path);
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  if (!Array.isArray(value)) throw notAList(name, path);
  return new ResolvedPath(attributes, snapshots, name, path, 'ERR_INTERNAL');
}

function notAList(name: string, path: Path): Error {
  return syncedError('ERR_NOT_A_LIST', 'is not a list; $shift and $pop take elements of lists only', name, path);
}
