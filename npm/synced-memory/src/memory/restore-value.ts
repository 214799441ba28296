import { deepEqual } from '../mirror/deep-equal.js';

type Dict = Record<string, unknown>;

/**
 * Makes a synced list or dict equal to a plain one by as few mutations as a comparison from both ends finds, so that it merges with
 * what others change meanwhile. Returns false if one of them is not a container of the same kind: then the value is to be assigned.
 */
export function restoreInside(target: unknown, value: unknown): boolean {
  if (Array.isArray(target) && Array.isArray(value)) restoreList(target, value);
  else if (isDict(target) && isDict(value)) restoreDict(target, value);
  else return false;
  return true;
}

function restoreDict(target: Dict, value: Dict): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(value, key)) delete target[key];
  for (const [key, wanted] of Object.entries(value)) {
    const isPresent = Object.hasOwn(target, key);
    if (isPresent && (deepEqual(target[key], wanted) || restoreInside(target[key], wanted))) continue;
    Object.defineProperty(target, key, { value: wanted, writable: true, enumerable: true, configurable: true });
  }
}

function restoreList(target: unknown[], value: readonly unknown[]): void {
  let start = 0;
  while (start < target.length && start < value.length && deepEqual(target[start], value[start])) start++;
  let end = 0;
  const most = Math.min(target.length, value.length) - start;
  while (end < most && deepEqual(target[target.length - 1 - end], value[value.length - 1 - end])) end++;
  const removed = target.length - start - end;
  const added = value.slice(start, value.length - end);
  if (removed === 1 && added.length === 1 && restoreInside(target[start], added[0])) return;
  if (removed > 0 || added.length > 0) target.splice(start, removed, ...added);
}

function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
