import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { ValuePath } from '../../protocol.js';
import { pathText } from '../format.js';
import type { RequestError } from '../request.js';
import { reveal } from '../tree/tree-state.js';
import { Dialog } from './dialog.js';
import { JsonField } from './json-field.js';
import { makeEdit } from './own-edits.js';

/** The list, dict or memory (an empty path) that something is added to; undefined while the dialog is closed. */
export const adding = signal<{ readonly path: ValuePath; readonly kind: 'list' | 'dict' } | undefined>(undefined);

const close = () => {
  adding.value = undefined;
};

/** The dialog that adds an attribute, a key or an element. */
export function AddDialog() {
  const place = adding.value;
  return place === undefined ? null : <AddForm key={pathText(place.path)} {...place} />;
}

function AddForm({ path, kind }: { path: ValuePath; kind: 'list' | 'dict' }) {
  const [key, setKey] = useState('');
  const [text, setText] = useState('');
  const [error, setError] = useState<RequestError>();
  const title = path.length === 0 ? 'New attribute' : `Add to ${pathText(path)}`;
  const add = async () => {
    try {
      if (kind === 'list') await makeEdit({ path, action: 'append', json: text });
      else await makeEdit({ path: [...path, key], action: 'set', json: text });
      close();
      reveal(kind === 'list' ? path : [...path, key]);
    } catch (problem) {
      setError(problem as RequestError);
    }
  };
  return (
    <Dialog title={title} onClose={close}>
      {kind === 'dict' && (
        <label class="field">
          {path.length === 0 ? 'Name' : 'Key'}
          <input value={key} onInput={(event) => setKey(event.currentTarget.value)} />
        </label>
      )}
      <p class="muted">The value as JSON; a text needs its quotes.</p>
      <JsonField
        label="Value"
        text={text}
        isReadOnly={false}
        error={error}
        onInput={setText}
        onSave={() => void add()}
      />
      {error !== undefined && (
        <p role="alert" class="problem">
          {error.message}
        </p>
      )}
      <div class="buttons">
        <button type="button" class="main" onClick={() => void add()}>
          Add
        </button>
      </div>
    </Dialog>
  );
}
