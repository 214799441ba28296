import { signal } from '@preact/signals';
import type { Row, TextReply } from '../../protocol.js';
import { canWrite, hasHistory } from '../events.js';
import { numberText, pathText, revisionText, sizeText } from '../format.js';
import { showHistory } from '../history/history-dialog.js';
import { ask, type RequestError } from '../request.js';
import { adding } from './add-dialog.js';
import { Dialog } from './dialog.js';
import { JsonField } from './json-field.js';
import { makeEdit } from './own-edits.js';

interface OpenValue {
  readonly row: Row;
  /** The value as it was when it was opened, which an edit expects; undefined while it is loaded. */
  readonly opened: TextReply | undefined;
  readonly text: string;
  readonly error?: RequestError;
}

const shown = signal<OpenValue | undefined>(undefined);

/** Shows a value, for editing where that is allowed. */
export function openValue(row: Row): void {
  if (row.isKeyCut) return;
  shown.value = { row, opened: undefined, text: '' };
  void load(row);
}

async function load(row: Row): Promise<void> {
  if (row.type === 'unreadable') {
    shown.value = { row, opened: { text: row.preview, isWhole: false }, text: row.preview };
    return;
  }
  try {
    const opened = await ask<'text'>({ op: 'text', path: row.path });
    if (shown.value?.row === row) shown.value = { row, opened, text: opened.text };
  } catch (error) {
    if (shown.value?.row === row) shown.value = { ...shown.value, error: error as RequestError };
  }
}

const close = () => {
  shown.value = undefined;
};

/** The dialog that shows one value. */
export function ValueDialog() {
  const value = shown.value;
  if (value === undefined) return null;
  const { row, opened, text, error } = value;
  const isEditable = canWrite.value && opened?.isWhole === true;
  return (
    <Dialog key={pathText(row.path)} title={pathText(row.path)} onClose={close}>
      <Details row={row} />
      <JsonField
        label={`Value of ${pathText(row.path)}`}
        text={opened === undefined ? '…' : text}
        isReadOnly={!isEditable}
        error={error}
        onInput={(next) => {
          shown.value = { row, opened, text: next };
        }}
        onSave={() => void save(opened?.text)}
      />
      {opened?.isWhole === false && row.type !== 'unreadable' && (
        <p class="hint">
          These are the first {numberText(opened.text.length)} characters; it is too long to edit here.
        </p>
      )}
      {error !== undefined && <Problem error={error} />}
      <div class="buttons">
        {isEditable && (
          <button type="button" class="main" disabled={text === opened.text} onClick={() => void save(opened.text)}>
            Save
          </button>
        )}
        {canWrite.value && (row.type === 'list' || row.type === 'dict') && (
          <button
            type="button"
            onClick={() => {
              close();
              adding.value = { path: row.path, kind: row.type as 'list' | 'dict' };
            }}
          >
            Add…
          </button>
        )}
        {hasHistory.value && row.path.length === 1 && (
          <button
            type="button"
            onClick={() => {
              close();
              void showHistory(String(row.path[0]));
            }}
          >
            History
          </button>
        )}
        {canWrite.value && (
          <button type="button" class="danger" onClick={() => void remove()}>
            Remove
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Details({ row: { type, count, attribute } }: { row: Row }) {
  const { size, revision, expiresAt, writer } = attribute ?? {};
  const parts = [
    count === undefined ? type : `${type} of ${numberText(count)}`,
    size !== undefined && sizeText(size),
    revision !== undefined && `revision ${revision} (${revisionText(revision)})`,
    typeof expiresAt === 'number' && `expires ${new Date(expiresAt).toLocaleString()}`,
    writer !== undefined && `last writer ${writer}`,
  ];
  return <p class="muted">{parts.filter(Boolean).join(' · ')}</p>;
}

function Problem({ error }: { error: RequestError }) {
  return (
    <div role="alert" class="problem">
      <p>{error.message}</p>
      {error.code === 'ERR_CHANGED' && (
        <>
          {error.current !== undefined && <pre>{error.current.slice(0, 2000)}</pre>}
          <button type="button" onClick={() => shown.value && void load(shown.value.row)}>
            Load what is there now
          </button>{' '}
          <button type="button" onClick={() => void save(error.current)}>
            Overwrite
          </button>
        </>
      )}
    </div>
  );
}

/** Stores the text of the dialog, where the value still has the expected text. */
async function save(expected: string | undefined): Promise<void> {
  const value = shown.value;
  if (value === undefined || !canWrite.value) return;
  const check = expected === undefined ? {} : { expected };
  await attempt(() => makeEdit({ path: value.row.path, action: 'set', json: value.text, ...check }));
}

async function remove(): Promise<void> {
  const value = shown.value;
  if (value !== undefined) await attempt(() => makeEdit({ path: value.row.path, action: 'delete' }));
}

async function attempt(edit: () => Promise<void>): Promise<void> {
  try {
    await edit();
    close();
  } catch (error) {
    if (shown.value !== undefined) shown.value = { ...shown.value, error: error as RequestError };
  }
}
