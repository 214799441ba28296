import { useEffect, useRef } from 'preact/hooks';
import type { RequestError } from '../request.js';

interface Props {
  readonly label: string;
  readonly text: string;
  readonly isReadOnly: boolean;
  readonly error: RequestError | undefined;
  readonly onInput: (text: string) => void;
  readonly onSave: () => void;
}

/** A text of JSON. Where it is wrong, the mistake is selected. */
export function JsonField({ label, text, isReadOnly, error, onInput, onSave }: Props) {
  const element = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (error?.offset === undefined) return;
    element.current?.focus();
    element.current?.setSelectionRange(error.offset, error.offset + 1);
  }, [error]);
  return (
    <textarea
      ref={element}
      aria-label={label}
      aria-invalid={error?.offset !== undefined}
      spellcheck={false}
      rows={12}
      value={text}
      readOnly={isReadOnly}
      onInput={(event) => onInput(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        onSave();
      }}
    />
  );
}
