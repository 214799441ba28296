import { formatPath } from '../../../synced-memory/dist/base/path.js';
import { RequestFailure } from '../failure.js';
import type { InspectedMemory } from '../inspected-memory.js';
import type { ValuePath } from '../protocol.js';

/** A path as people write it: `tasks[3].title`. */
export const pathText = ([name, ...path]: ValuePath): string => formatPath(String(name), path);

/** True if a list has the index, or a dict the key. */
export function hasKey(container: object, key: string | number): boolean {
  // The length of a list is no element of it.
  return Object.hasOwn(container, key) && !(Array.isArray(container) && key === 'length');
}

/** An attribute; a list or dict as one that can be changed. Undefined if it is absent. Throws if it cannot be read. */
export function liveAttribute(memory: InspectedMemory, name: string): unknown {
  // A method, or what every object has, is no attribute.
  if (Object.hasOwn(memory, name)) return (memory as unknown as Record<string, unknown>)[name];
  return memory.$snapshot(name);
}

/** The value at a path; a list or dict as one that can be changed. Throws where there is none. */
export function findValue(memory: InspectedMemory, path: ValuePath): unknown {
  let value = liveAttribute(memory, String(path[0]));
  if (value === undefined) throw absent(path.slice(0, 1));
  for (const [index, key] of path.entries()) {
    if (index === 0) continue;
    if (typeof value !== 'object' || value === null || !hasKey(value, key)) throw absent(path.slice(0, index + 1));
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** The value at a path, or the nearest list or dict above it that is still there, with its path; undefined where all is gone. */
export function findNearest(memory: InspectedMemory, path: ValuePath): [path: ValuePath, value: unknown] {
  for (let length = path.length; length > 0; length--) {
    try {
      return [path.slice(0, length), findValue(memory, path.slice(0, length))];
    } catch {
      // It is gone, or cannot be read.
    }
  }
  return [path, undefined];
}

const absent = (path: ValuePath) => new RequestFailure(404, 'ERR_NOT_FOUND', `there is no ${pathText(path)} any more`);
