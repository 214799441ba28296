import { type SyncedMemoryError, syncedError } from '../base/errors.js';
import { setOwnProperty } from '../base/own-property.js';
import type { Path } from '../base/path.js';

/**
 * One change of one raw container of the mirror: of a list by index, of a dict by key. The record of a memory's attributes is
 * a dict, too.
 */
export type Edit =
  | readonly ['set', key: string | number, value: unknown]
  | readonly ['unset', key: string]
  | readonly ['clear']
  | readonly ['append', values: readonly unknown[]]
  | readonly ['splice', index: number, count: number, values: readonly unknown[]]
  | readonly ['permute', order: readonly number[]];

/** The numbers of a dict's keys, which grow in the order of the keys. A removed key keeps its number. */
export interface KeyNumbers {
  readonly byKey: Map<string, number>;
  last: number;
}

/** The order of keys that a reverted edit restores: the number of the removed key, or the numbers of a cleared dict. */
export type KeptOrder = number | KeyNumbers | undefined;

/** An edit that was performed, with what is needed to describe it or to revert it. */
export interface AppliedEdit {
  /** The attribute. */
  readonly name: string;
  /** Path of the container; undefined for the record of attributes, and while nothing observes the mirror. */
  readonly path: Path | undefined;
  readonly raw: object;
  readonly edit: Edit;
  /** The result of {@link stateBefore}. */
  readonly before: unknown;
  /** The order of the keys, as far as a reverted edit needs it. */
  readonly order: KeptOrder;
  /** Why the attribute was unreadable before the edit, if it was. */
  readonly error?: SyncedMemoryError | undefined;
}

type Dict = Record<string | number, unknown>;

/**
 * The state that an edit is going to replace: the value (set, unset), or a copy of the removed elements (splice) or of the whole container
 * (clear, permute).
 */
export function stateBefore(raw: object, edit: Edit): unknown {
  switch (edit[0]) {
    case 'set':
    case 'unset':
      return Object.hasOwn(raw, edit[1]) ? (raw as Dict)[edit[1]] : undefined;
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

/** Changes the container. Returns what an `unset` or `splice` removed. */
export function performEdit(raw: object, edit: Edit): unknown {
  const list = raw as unknown[];
  const dict = raw as Dict;
  switch (edit[0]) {
    case 'set':
      return setOwnProperty(dict, edit[1], edit[2]);
    case 'unset': {
      const value = dict[edit[1]];
      delete dict[edit[1]];
      return value;
    }
    case 'clear':
      return clearDict(dict);
    case 'append':
      for (const value of edit[1]) list.push(value);
      return undefined;
    case 'splice':
      return spliceList(list, edit[1], edit[2], edit[3]);
    case 'permute':
      return permuteList(list, edit[1]);
    default:
      throw syncedError('ERR_INTERNAL', `unknown mutation "${edit[0]}" in a patch`);
  }
}

/** Reverts the last edit of a container. A removed key comes last, until its order is restored. */
export function revertEdit({ raw, edit, before }: Pick<AppliedEdit, 'raw' | 'edit' | 'before'>): void {
  const list = raw as unknown[];
  const dict = raw as Dict;
  switch (edit[0]) {
    case 'set':
    case 'unset':
      if (before === undefined) delete dict[edit[1]];
      else setOwnProperty(dict, edit[1], before);
      break;
    case 'clear':
      clearDict(dict);
      for (const [key, value] of Object.entries(before as Dict)) setOwnProperty(dict, key, value);
      break;
    case 'append':
      list.length -= edit[1].length;
      break;
    case 'splice':
      spliceList(list, edit[1], edit[3].length, before as unknown[]);
      break;
    case 'permute':
      for (const [index, value] of (before as unknown[]).entries()) list[index] = value;
      break;
  }
}

function clearDict(dict: Dict): void {
  for (const key of Object.keys(dict)) delete dict[key];
}

/** Array.prototype.splice for any number of values. Spreading very many arguments would overflow the stack. */
function spliceList(list: unknown[], start: number, count: number, values: readonly unknown[]): unknown[] {
  if (values.length < 10_000) {
    if (start > 0 || count > 0) return list.splice(start, count, ...values);
    // Into a long list, this takes a third of the time of splice.
    list.unshift(...values);
    return [];
  }
  const rest = list.splice(start);
  for (const value of values) list.push(value);
  for (let index = count; index < rest.length; index++) list.push(rest[index]);
  return rest.slice(0, count);
}

function permuteList(list: unknown[], order: readonly number[]): void {
  const old = list.slice();
  for (let index = 0; index < order.length; index++) list[index] = old[order[index] as number];
}
