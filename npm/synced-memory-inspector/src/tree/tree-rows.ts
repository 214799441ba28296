import { previewValue } from '../print-value.js';
import type { Row, ValuePath, ValueType } from '../protocol.js';
import { keysOf } from './keys.js';

/** The longest preview of a value, in characters. */
const MAX_PREVIEW = 160;
/** The longest key that a row has. */
const MAX_KEY = 1000;

/** The open lists and dicts below one, by key. */
export type OpenTree = ReadonlyMap<string | number, OpenTree>;

/** The tree of open paths. */
export function openTree(paths: readonly ValuePath[]): OpenTree {
  const root = new Map<string | number, OpenTree>();
  for (const path of paths) {
    let node = root;
    for (const key of path) {
      const child = (node.get(key) as typeof root | undefined) ?? new Map();
      node.set(key, child);
      node = child;
    }
  }
  return root;
}

/** Siblings in the tree: the attributes, or what is in one list or dict. */
export interface Level {
  readonly path: ValuePath;
  readonly count: number;
  keyAt(index: number): string | number;
  /** The index of a key; -1 where there is none. */
  indexOf(key: string | number): number;
  valueAt(index: number): unknown;
  /** The open ones, by ascending index. */
  readonly open: readonly { readonly index: number; readonly tree: OpenTree }[];
  /** Makes the row of one of them. */
  rowAt(index: number): Row;
}

/** Collects the rows of a window, and counts all rows. The levels outside the window cost nothing but their open siblings. */
export class RowCollector {
  readonly rows: Row[] = [];
  /** Number of rows so far. */
  total = 0;
  /** Number of the row of the sought value; undefined where it is not among the rows. */
  sought: number | undefined;
  readonly #from: number;
  readonly #to: number;
  readonly #seek: ValuePath | undefined;

  constructor(from: number, count: number, seek?: ValuePath) {
    this.#from = from;
    this.#to = from + count;
    this.#seek = seek;
  }

  add(level: Level): void {
    const soughtIndex = this.#soughtIndex(level);
    const addSiblings = (from: number, to: number) => {
      if (from <= soughtIndex && soughtIndex < to) this.sought = this.total + soughtIndex - from;
      this.#addSiblings(level, from, to);
    };
    let next = 0;
    for (const { index, tree } of level.open) {
      addSiblings(next, index + 1);
      next = index + 1;
      const value = level.valueAt(index);
      if (typeof value === 'object' && value !== null) {
        this.add(containerLevel(value, [...level.path, level.keyAt(index)], tree));
      }
    }
    addSiblings(next, level.count);
  }

  /** The index of the sought value in a level; -1 where it is in another one. */
  #soughtIndex({ path, indexOf }: Level): number {
    const seek = this.#seek;
    if (seek?.length !== path.length + 1 || !path.every((key, depth) => key === seek[depth])) return -1;
    return indexOf(seek[path.length] as string | number);
  }

  #addSiblings(level: Level, from: number, to: number): void {
    const first = Math.max(from, from + this.#from - this.total);
    const last = Math.min(to, from + this.#to - this.total);
    for (let index = first; index < last; index++) this.rows.push(level.rowAt(index));
    this.total += to - from;
  }
}

function containerLevel(container: object, path: ValuePath, tree: OpenTree): Level {
  const keys = Array.isArray(container) ? undefined : keysOf(container);
  const count = keys?.length ?? (container as unknown[]).length;
  const keyAt = (index: number) => keys?.[index] ?? index;
  const valueAt = (index: number) => (container as Record<string | number, unknown>)[keyAt(index)];
  const indexOf = (key: string | number) => (keys === undefined ? Number(key) : keys.indexOf(String(key)));
  const open = [...tree]
    .map(([key, child]) => ({ index: indexOf(key), tree: child }))
    .filter(({ index }) => index >= 0 && index < count)
    .sort((one, other) => one.index - other.index);
  const rowAt = (index: number) => describeRow([...path, keyAt(index)], valueAt(index));
  return { path, count, keyAt, indexOf, valueAt, open, rowAt };
}

const versions = new WeakMap<object, number>();
let lastVersion = 0;

/** A number of a frozen list or dict: a snapshot that differs anywhere inside has another one. */
function versionOf(container: object): number {
  const known = versions.get(container) ?? ++lastVersion;
  versions.set(container, known);
  return known;
}

/** The row of a value, frozen or live. */
export function describeRow(path: ValuePath, value: unknown): Row {
  const key = path.at(-1);
  const isKeyCut = typeof key === 'string' && key.length > MAX_KEY;
  const shown = isKeyCut ? [...path.slice(0, -1), `${key.slice(0, MAX_KEY)}…`] : path;
  const row: Row = { path: shown, type: typeOf(value), preview: previewValue(value, MAX_PREVIEW) };
  const marks = isKeyCut ? ({ isKeyCut } as const) : {};
  if (typeof value !== 'object' || value === null) return { ...row, ...marks };
  const count = Array.isArray(value) ? value.length : keysOf(value).length;
  return { ...row, ...marks, count, ...(Object.isFrozen(value) && { version: versionOf(value) }) };
}

function typeOf(value: unknown): ValueType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return 'dict';
  return typeof value === 'bigint' ? 'number' : (typeof value as ValueType);
}
