import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** A dialog that is open for as long as it is on the page. Escape closes it. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={props.onClose}>
      <div class="title">
        <h2 id="dialog-title">{props.title}</h2>
        <button type="button" aria-label="Close" onClick={() => element.current?.close()}>
          ×
        </button>
      </div>
      {props.children}
    </dialog>
  );
}
