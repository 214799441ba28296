import { signal } from '@preact/signals';
import type { EditRequest, ValuePath } from '../../protocol.js';
import { pathText } from '../format.js';
import { ask } from '../request.js';

interface OwnEdit {
  readonly edit: string;
  readonly text: string;
}

/** The edits of this page that can be undone, the last at the end. */
const edits = signal<readonly OwnEdit[]>([]);
/** The newest message about an edit. */
const notice = signal<{ readonly text: string; readonly isError: boolean } | undefined>(undefined);

export function say(text: string, isError = false): void {
  notice.value = { text, isError };
}

/** Makes an edit that can be undone. Rejects where it is refused. */
export async function makeEdit(request: Omit<EditRequest, 'op'>): Promise<void> {
  const { edit } = await ask<'edit'>({ op: 'edit', ...request });
  const verbs = { set: 'Saved', append: 'Added to', delete: 'Removed' };
  const text = `${verbs[request.action]} ${pathText(request.path)}`;
  if (edit !== undefined) edits.value = [...edits.value, { edit, text }];
  say(text);
}

/** Removes a value. */
export async function removeValue(path: ValuePath): Promise<void> {
  await makeEdit({ path, action: 'delete' }).catch((error: Error) => say(error.message, true));
}

/** Takes back the last edit of this page. */
export async function undoLast(): Promise<void> {
  const last = edits.value.at(-1);
  if (last === undefined) return say('Nothing to undo.');
  try {
    await ask<'undo'>({ op: 'undo', edit: last.edit });
    say(`Undone: ${last.text}`);
  } catch (error) {
    say(`Not undone: ${(error as Error).message}`, true);
  }
  edits.value = edits.value.filter((each) => each !== last);
}

/** Says what the last edit did, and offers to undo it. */
export function Notice() {
  const { text, isError } = notice.value ?? {};
  const close = () => {
    notice.value = undefined;
  };
  return (
    <div role="status" class={text === undefined ? 'notice none' : isError ? 'notice wrong' : 'notice'}>
      {text !== undefined && (
        <>
          <span>{text}</span>
          {edits.value.length > 0 && (
            <button type="button" onClick={() => void undoLast()}>
              Undo
            </button>
          )}
          <button type="button" aria-label="Dismiss" onClick={close}>
            ×
          </button>
        </>
      )}
    </div>
  );
}
