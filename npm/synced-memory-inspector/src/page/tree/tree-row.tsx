import { useEffect, useRef } from 'preact/hooks';
import type { Row } from '../../protocol.js';
import { openValue } from '../edit/value-dialog.js';
import { lifetimeText, numberText, revisionText, sizeText } from '../format.js';
import { active, isOpen, reply, setOpen } from './tree-state.js';

interface Props {
  readonly row: Row;
  readonly index: number;
  /** Distance from the top of the list, in pixels. */
  readonly top: number;
  readonly isActive: boolean;
}

/** One value. It flashes when it changes. */
export function TreeRow({ row, index, top, isActive }: Props) {
  const { path, type, preview, count, attribute } = row;
  const element = useFlash(`${row.version ?? `${count} ${preview}`} ${attribute?.revision}`);
  const isContainer = count !== undefined && !row.isKeyCut;
  const isExpanded = isContainer && isOpen(path);
  const select = () => {
    active.value = index;
    if (isContainer) setOpen(path, !isExpanded);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus, and names the active row
    <div
      ref={element}
      id={`row-${index}`}
      class={`row ${type} ${isActive ? 'active' : ''}`}
      role="treeitem"
      aria-level={path.length}
      aria-posinset={index + 1}
      aria-setsize={reply.value.total}
      aria-selected={isActive}
      {...(isContainer && { 'aria-expanded': isExpanded })}
      style={{ top: `${top}px` }}
      onClick={select}
    >
      <span class="key" style={{ paddingLeft: `${Math.min(path.length - 1, 12) * 14}px` }}>
        <span class="mark" aria-hidden="true">
          {isContainer ? (isExpanded ? '▾' : '▸') : ''}
        </span>
        {String(path.at(-1))}
      </span>
      <span class="preview" title={preview}>
        {isContainer && <span class="muted">{countText(type, count)} </span>}
        {type === 'unreadable' && <span class="muted">cannot be read: </span>}
        {preview}
      </span>
      <span class="size">
        {attribute?.size !== undefined && `${attribute.isEstimate ? '≈ ' : ''}${sizeText(attribute.size)}`}
      </span>
      <span class="ttl">{typeof attribute?.expiresAt === 'number' && `TTL ${lifetimeText(attribute.expiresAt)}`}</span>
      <span class="writer">{attribute?.writer}</span>
      <span class="revision" title={attribute?.revision && `revision ${attribute.revision}`}>
        {attribute?.revision && revisionText(attribute.revision)}
      </span>
      <span class="more">
        <button
          type="button"
          tabIndex={-1}
          aria-label={`Show ${String(path.at(-1))}`}
          onClick={(event) => {
            event.stopPropagation();
            active.value = index;
            openValue(row);
          }}
        >
          …
        </button>
      </span>
    </div>
  );
}

function countText(type: Row['type'], count: number): string {
  if (type === 'list') return `${numberText(count)} element${count === 1 ? '' : 's'}`;
  return `${numberText(count)} key${count === 1 ? '' : 's'}`;
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** Lets an element flash when its content is another one than before. */
function useFlash(content: string) {
  const element = useRef<HTMLDivElement>(null);
  const shown = useRef(content);
  useEffect(() => {
    if (shown.current === content) return;
    shown.current = content;
    const duration = calm.matches ? 1 : 900;
    element.current?.animate([{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }], { duration });
  }, [content]);
  return element;
}
