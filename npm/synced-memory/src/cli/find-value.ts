import { absentError, CommandError } from './failure.js';
import { formatPath, type ParsedPath } from './path-syntax.js';
import type { OpenMemory } from './with-memory.js';

/** A list or a dict of a memory. */
export type ContainerValue = unknown[] | Record<string, unknown>;

/** The value at a path, as a frozen plain value. Throws if there is none, or if the attribute cannot be read. */
export function findValue({ mem }: OpenMemory, { name, path }: ParsedPath): unknown {
  const root = mem.$snapshot(name) as unknown;
  if (root === undefined) throw absentError(`there is no attribute ${formatPath([name])}`);
  return descend(root, name, path);
}

/** The value at a path, where a list or dict is a live one that can be changed. Throws as {@link findValue} does. */
export function findLiveValue({ mem }: OpenMemory, { name, path }: ParsedPath): unknown {
  if (!(name in mem)) throw absentError(`there is no attribute ${formatPath([name])}; set it first`);
  return descend(mem[name], name, path);
}

/** The live list or dict around the value at a path. */
export function findContainer(open: OpenMemory, { name, path }: ParsedPath): ContainerValue {
  const around = path.slice(0, -1);
  const value = findLiveValue(open, { name, path: around });
  if (isContainer(value)) return value;
  throw new CommandError(`${formatPath([name, ...around])} is ${typeName(value)}, which has no keys`);
}

function descend(root: unknown, name: string, path: ParsedPath['path']): unknown {
  let value = root;
  for (const [depth, key] of path.entries()) {
    if (!isContainer(value) || !hasKey(value, key)) throw absentAt(value, [name, ...path.slice(0, depth)], key);
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** True if the list has the index, or the dict the key. */
export function hasKey(container: ContainerValue, key: string | number): boolean {
  // The length of a list is no element of it.
  return Object.hasOwn(container, key) && !(Array.isArray(container) && key === 'length');
}

/** The error that a value has no such key, which says what it has. */
export function absentAt(value: unknown, path: readonly (string | number)[], key: string | number): CommandError {
  const whole = formatPath([...path, key]);
  if (Array.isArray(value)) {
    const elements = value.length === 1 ? '1 element' : `${value.length} elements`;
    return absentError(`there is no ${whole}: ${formatPath(path)} is a list of ${elements}`);
  }
  return absentError(
    isContainer(value)
      ? `there is no ${whole}: the dict has no such key`
      : `there is no ${whole}: ${formatPath(path)} is ${typeName(value)}`,
  );
}

export function isContainer(value: unknown): value is ContainerValue {
  return typeof value === 'object' && value !== null;
}

/** The type of a value, in words: `a list`, `a string`, `null`. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'bigint') return 'a number';
  return typeof value === 'object' ? 'a dict' : `a ${typeof value}`;
}
