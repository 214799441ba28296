import { type Path, type SyncedMemoryError, syncedError } from './errors.js';

/** One change of one raw container of the mirror: of a list by index, of a dict by key. A memory's attributes are a dict, too. */
export type Edit =
  | readonly ['set', key: string | number, value: unknown]
  | readonly ['unset', key: string]
  | readonly ['clear']
  | readonly ['append', values: readonly unknown[]]
  | readonly ['splice', index: number, count: number, values: readonly unknown[]]
  | readonly ['permute', order: readonly number[]];

/** An edit that was performed, with what it takes to tell of it or to take it back. */
export interface Applied {
  /** The attribute. */
  readonly name: string;
  /** The container's, from the attribute's value down; undefined where it is the attributes' own. */
  readonly path: Path | undefined;
  readonly raw: object;
  readonly edit: Edit;
  readonly before: unknown;
  /** Why the attribute was unreadable, where it was. */
  readonly error?: SyncedMemoryError | undefined;
}

type Dict = Record<string | number, unknown>;

/** What is lost: the value that was there (set), the elements (splice), or the whole container, copied. */
export function before(raw: object, edit: Edit): unknown {
  switch (edit[0]) {
    case 'set':
      return Object.hasOwn(raw, edit[1]) ? (raw as Dict)[edit[1]] : undefined;
    case 'unset':
    case 'clear':
      return { ...raw };
    case 'splice':
      return (raw as unknown[]).slice(edit[1], edit[1] + edit[2]);
    case 'permute':
      return (raw as unknown[]).slice();
    case 'append':
      return undefined;
  }
}

/** Changes the container. Gives what an `unset` or `splice` removed. */
export function perform(raw: object, edit: Edit): unknown {
  const list = raw as unknown[];
  const dict = raw as Dict;
  switch (edit[0]) {
    case 'set':
      return setOwn(dict, edit[1], edit[2]);
    case 'unset': {
      const value = dict[edit[1]];
      delete dict[edit[1]];
      return value;
    }
    case 'clear':
      return clear(dict);
    case 'append':
      for (const value of edit[1]) list.push(value);
      return undefined;
    case 'splice':
      return splice(list, edit[1], edit[2], edit[3]);
    case 'permute':
      return permute(list, edit[1]);
    default:
      throw syncedError('ERR_INTERNAL', `unknown mutation "${edit[0]}" in a patch`);
  }
}

/** Takes the last edit of a container back. */
export function revert({ raw, edit, before }: Applied): void {
  const list = raw as unknown[];
  const dict = raw as Dict;
  switch (edit[0]) {
    case 'set':
      if (before === undefined) delete dict[edit[1]];
      else setOwn(dict, edit[1], before);
      break;
    case 'unset':
    case 'clear':
      // All of it: a key that comes back would come last.
      clear(dict);
      for (const [key, value] of Object.entries(before as Dict)) setOwn(dict, key, value);
      break;
    case 'append':
      list.length -= edit[1].length;
      break;
    case 'splice':
      splice(list, edit[1], edit[3].length, before as unknown[]);
      break;
    case 'permute':
      for (const [index, value] of (before as unknown[]).entries()) list[index] = value;
      break;
  }
}

/** Sets an own property; `__proto__` too. */
export function setOwn(target: object, key: string | number, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (target as Dict)[key] = value;
  }
}

function clear(dict: Dict): void {
  for (const key of Object.keys(dict)) delete dict[key];
}

/** Array.prototype.splice for any number of values; spreading many would overflow the stack. */
function splice(list: unknown[], start: number, count: number, values: readonly unknown[]): unknown[] {
  if (values.length < 10_000) return list.splice(start, count, ...values);
  const rest = list.splice(start);
  for (const value of values) list.push(value);
  for (let index = count; index < rest.length; index++) list.push(rest[index]);
  return rest.slice(0, count);
}

function permute(list: unknown[], order: readonly number[]): void {
  const old = list.slice();
  for (let index = 0; index < order.length; index++) list[index] = old[order[index] as number];
}
