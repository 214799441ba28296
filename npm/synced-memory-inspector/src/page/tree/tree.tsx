import { useEffect, useRef } from 'preact/hooks';
import type { Row } from '../../protocol.js';
import { removeValue, undoLast } from '../edit/own-edits.js';
import { openValue } from '../edit/value-dialog.js';
import { canWrite } from '../events.js';
import { pathKey } from '../format.js';
import { TreeRow } from './tree-row.js';
import {
  active,
  first,
  goTo,
  isOpen,
  jumps,
  ROW_HEIGHT,
  reply,
  rowAt,
  scrollHeight,
  setOpen,
  visible,
} from './tree-state.js';

/** The rows of the tree that are visible, in a box that scrolls as if all were there. */
export function Tree() {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => follow(box.current as HTMLDivElement), []);
  // Keys move the selection; the box follows.
  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const target = scrollTopOf(element, first.value);
    if (firstOf(element) !== first.value) element.scrollTop = target;
  }, [jumps.value]);
  const { total, from, rows } = reply.value;
  const height = scrollHeight();
  // With more rows than can be scrolled by pixels, rows stand where the box is scrolled to.
  const top = (box.current?.scrollTop ?? 0) + (from - first.value) * ROW_HEIGHT;
  const offset = height < total * ROW_HEIGHT ? top : from * ROW_HEIGHT;
  return (
    <div
      ref={box}
      class="scroller tree"
      role="tree"
      aria-label="Values"
      data-rows={total}
      aria-activedescendant={rowAt(active.value) ? `row-${active.value}` : undefined}
      tabIndex={0}
      onKeyDown={handleKey}
    >
      <div role="none" style={{ height: `${height}px`, position: 'relative' }}>
        {rows.map((row, position) => (
          <TreeRow
            key={pathKey(row.path)}
            row={row}
            index={from + position}
            top={offset + position * ROW_HEIGHT}
            isActive={from + position === active.value}
          />
        ))}
      </div>
    </div>
  );
}

/** Keeps the visible rows in step with the size and the scroll position of the box. */
function follow(box: HTMLDivElement): () => void {
  const onScroll = () => {
    first.value = firstOf(box);
  };
  const observer = new ResizeObserver(() => {
    visible.value = Math.max(1, Math.floor(box.clientHeight / ROW_HEIGHT));
    onScroll();
  });
  observer.observe(box);
  box.addEventListener('scroll', onScroll, { passive: true });
  return () => observer.disconnect();
}

const isSqueezed = () => scrollHeight() < reply.value.total * ROW_HEIGHT;

function firstOf(box: HTMLDivElement): number {
  if (!isSqueezed()) return Math.floor(box.scrollTop / ROW_HEIGHT);
  const part = box.scrollTop / Math.max(1, box.scrollHeight - box.clientHeight);
  return Math.round(part * (reply.value.total - visible.value));
}

function scrollTopOf(box: HTMLDivElement, row: number): number {
  if (!isSqueezed()) return row * ROW_HEIGHT;
  return (row / (reply.value.total - visible.value)) * (box.scrollHeight - box.clientHeight);
}

function handleKey(event: KeyboardEvent): void {
  const row = rowAt(active.value);
  const handled = event.ctrlKey || event.metaKey ? handleModified(event.key) : handlePlain(event.key, row);
  if (handled) event.preventDefault();
}

function handleModified(key: string): boolean {
  if (key !== 'z' || !canWrite.value) return false;
  void undoLast();
  return true;
}

function handlePlain(key: string, row: Row | undefined): boolean {
  const steps: Record<string, number> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: visible.value,
    PageUp: -visible.value,
    Home: Number.NEGATIVE_INFINITY,
    End: Number.POSITIVE_INFINITY,
  };
  const step = steps[key];
  if (step !== undefined) goTo(active.value + step);
  else if (key === '/') document.getElementById('search')?.focus();
  else if (row === undefined) return false;
  else if (key === 'ArrowRight') openOrEnter(row);
  else if (key === 'ArrowLeft') closeOrLeave(row);
  else if (key === 'Enter') openValue(row);
  else if (key === 'Delete' && canWrite.value) void removeValue(row.path);
  else return false;
  return true;
}

function openOrEnter(row: Row): void {
  if (row.count === undefined) return;
  if (isOpen(row.path)) goTo(active.value + 1);
  else setOpen(row.path, true);
}

function closeOrLeave(row: Row): void {
  if (row.count !== undefined && isOpen(row.path)) setOpen(row.path, false);
  else {
    let index = active.value - 1;
    while (index >= 0 && (rowAt(index)?.path.length ?? 0) >= row.path.length) index--;
    if (index >= 0 && row.path.length > 1) goTo(index);
  }
}
