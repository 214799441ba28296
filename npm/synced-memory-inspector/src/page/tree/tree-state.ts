import { effect, signal, untracked } from '@preact/signals';
import type { Row, RowsReply, ValuePath } from '../../protocol.js';
import { version } from '../events.js';
import { pathKey } from '../format.js';
import { ask } from '../request.js';

export const ROW_HEIGHT = 32;
/** Rows beyond the visible ones that are asked for. */
const OVERSCAN = 12;
/** The tallest element that all browsers can scroll. With more rows, the scroll bar covers several at each step. */
const MAX_HEIGHT = 8_000_000;

export const filter = signal('');
/** The paths of the open lists and dicts, by their keys. */
export const open = signal<ReadonlyMap<string, ValuePath>>(new Map());
/** Number of the selected row. */
export const active = signal(0);
/** Number of the first visible row, and how many are visible. */
export const first = signal(0);
export const visible = signal(20);
export const reply = signal<RowsReply>({ total: 0, names: 0, selected: 0, from: 0, rows: [] });
/** A path that is to be shown and selected. */
const sought = signal<ValuePath | undefined>(undefined);
/** Counts the jumps to another row, which the scroll position follows. */
export const jumps = signal(0);

export const scrollHeight = (): number => Math.min(reply.value.total * ROW_HEIGHT, MAX_HEIGHT);

/** The row at a number, if it has arrived. */
export const rowAt = (index: number): Row | undefined => reply.value.rows[index - reply.value.from];

export function isOpen(path: ValuePath): boolean {
  return open.value.has(pathKey(path));
}

export function setOpen(path: ValuePath, isOpen: boolean): void {
  const next = new Map(open.value);
  if (isOpen) next.set(pathKey(path), path);
  else next.delete(pathKey(path));
  open.value = next;
}

/** Selects a row and scrolls it into view. */
export function goTo(index: number): void {
  const last = Math.max(0, reply.value.total - 1);
  active.value = Math.min(Math.max(0, index), last);
  const lastFirst = active.value - visible.value + 1;
  if (active.value < first.value) first.value = active.value;
  else if (first.value < lastFirst) first.value = Math.max(0, lastFirst);
  else return;
  jumps.value++;
}

/** Opens what is around a value, selects it and scrolls to it. */
export function reveal(path: ValuePath): void {
  const next = new Map(open.value);
  for (let length = 1; length < path.length; length++) next.set(pathKey(path.slice(0, length)), path.slice(0, length));
  filter.value = '';
  open.value = next;
  sought.value = path;
}

let isAsking = false;
let isOutdated = false;

/** Asks for the rows that are visible; at most one request is under way. */
async function askRows(): Promise<void> {
  if (isAsking) {
    isOutdated = true;
    return;
  }
  isAsking = true;
  isOutdated = false;
  const seek = sought.value;
  try {
    const from = Math.max(0, first.value - OVERSCAN);
    const count = visible.value + 2 * OVERSCAN;
    const request = { op: 'rows', filter: filter.value, open: [...open.value.values()], from, count } as const;
    reply.value = await ask<'rows'>({ ...request, ...(seek && { seek }) });
    if (seek !== undefined && sought.value === seek) {
      sought.value = undefined;
      if (reply.value.sought !== undefined) goTo(reply.value.sought);
    }
    if (active.value >= reply.value.total) goTo(reply.value.total - 1);
  } catch {
    // The banner says what is wrong; the next event asks again.
  } finally {
    isAsking = false;
    if (isOutdated) requestAnimationFrame(() => void askRows());
  }
}

effect(() => {
  // Each of these makes other rows visible.
  void [version.value, filter.value, open.value, first.value, visible.value, sought.value];
  if (document.visibilityState === 'visible') untracked(() => void askRows());
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void askRows();
});
