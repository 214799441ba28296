import { signal } from '@preact/signals';
import type { SearchReply } from '../../protocol.js';
import { adding } from '../edit/add-dialog.js';
import { canWrite } from '../events.js';
import { numberText, pathText } from '../format.js';
import { ask } from '../request.js';
import { Tree } from './tree.js';
import { active, filter, first, jumps, reply, reveal } from './tree-state.js';

/** The values that were found; undefined while the tree is shown. */
const found = signal<SearchReply | 'searching' | undefined>(undefined);

/** The attributes, with the field that searches them. */
export function TreePanel() {
  const { names, selected, incomplete } = reply.value;
  const count = selected === names ? numberText(names) : `${numberText(selected)} of ${numberText(names)}`;
  return (
    <section class="panel tree-panel" aria-label="Attributes">
      <div class="tools">
        <input
          id="search"
          type="search"
          placeholder="Find attributes (/), Enter: in values"
          aria-label="Find attributes by name; Enter searches their values"
          value={filter.value}
          onInput={(event) => filterBy(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') void searchValues();
          }}
        />
        {canWrite.value && (
          <button
            type="button"
            onClick={() => {
              adding.value = { path: [], kind: 'dict' };
            }}
          >
            New…
          </button>
        )}
        <span class="muted count">{`${count} attribute${names === 1 ? '' : 's'}`}</span>
      </div>
      {incomplete !== undefined && <p class="hint">{incomplete}</p>}
      {found.value === undefined ? <Tree /> : <Found />}
    </section>
  );
}

function filterBy(text: string): void {
  found.value = undefined;
  filter.value = text;
  first.value = 0;
  active.value = 0;
  jumps.value++;
}

async function searchValues(): Promise<void> {
  if (filter.value === '') return;
  found.value = 'searching';
  found.value = await ask<'search'>({ op: 'search', text: filter.value }).catch(() => undefined);
}

function Found() {
  const close = () => {
    found.value = undefined;
  };
  if (found.value === 'searching' || found.value === undefined) return <p class="hint">Searching…</p>;
  const { found: values, isComplete } = found.value;
  return (
    <div class="scroller found">
      <p class="hint">
        {values.length === 0 ? 'Nothing is found.' : `${values.length}${isComplete ? '' : ' or more'} values.`}{' '}
        <button type="button" onClick={close}>
          Back
        </button>
      </p>
      <ul>
        {values.map(({ path, preview }) => (
          <li key={pathText(path)}>
            <button
              type="button"
              class="plain"
              onClick={() => {
                close();
                reveal(path);
              }}
            >
              <span class="key">{pathText(path)}</span> <span class="preview">{preview}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
