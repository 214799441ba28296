import { signal } from '@preact/signals';
import type { HistoryReply } from '../../protocol.js';
import { Dialog } from '../edit/dialog.js';
import { say } from '../edit/own-edits.js';
import { canWrite } from '../events.js';
import { timeText } from '../format.js';
import { ask } from '../request.js';
import { compareLines } from './line-difference.js';

interface ShownHistory {
  readonly name: string;
  readonly commits: HistoryReply['commits'];
  /** The number of the selected commit. */
  readonly index: number;
  /** What the selected revision is compared with: the number of a commit, the one before, or the value as it is now. */
  readonly comparedWith: number | 'before' | 'now';
  /** The texts that are compared; undefined while they are loaded. */
  readonly texts: readonly [before: string, after: string] | undefined;
  readonly problem?: string;
}

const shown = signal<ShownHistory | undefined>(undefined);

const close = () => {
  shown.value = undefined;
};

/** Shows the recorded revisions of an attribute. */
export async function showHistory(name: string): Promise<void> {
  try {
    const { commits } = await ask<'history'>({ op: 'history', name });
    select({ name, commits, index: Math.max(0, commits.length - 1), comparedWith: 'before', texts: undefined });
  } catch (error) {
    say((error as Error).message, true);
  }
}

/** Shows a selection, and loads the texts that it compares. */
function select(next: ShownHistory): void {
  const { name, commits, index, comparedWith } = next;
  shown.value = next;
  const revision = commits[index]?.revision;
  if (revision === undefined) return;
  const otherIndex = { before: index - 1, now: commits.length }[comparedWith] ?? Number(comparedWith);
  const other = comparedWith === 'now' ? textNow(name) : textAt(name, commits[otherIndex]?.revision);
  Promise.all([textAt(name, revision), other]).then(
    ([own, compared]) => {
      if (shown.value !== next) return;
      shown.value = { ...next, texts: otherIndex > index ? [own, compared] : [compared, own] };
    },
    (error: Error) => {
      if (shown.value === next) shown.value = { ...next, problem: error.message };
    },
  );
}

/** The text at a revision; empty where the attribute was absent. */
async function textAt(name: string, revision: string | undefined): Promise<string> {
  if (revision === undefined || revision === '0') return '';
  return (await ask<'at'>({ op: 'at', name, revision })).text;
}

async function textNow(name: string): Promise<string> {
  return (await ask<'text'>({ op: 'text', path: [name] }).catch(() => ({ text: '' }))).text;
}

/** The dialog with a slider over the revisions of one attribute. */
export function HistoryDialog() {
  const state = shown.value;
  if (state === undefined) return null;
  const { name, commits, index, comparedWith, texts, problem } = state;
  const commit = commits[index];
  const choose = (change: Partial<ShownHistory>) => {
    const { problem: _, ...rest } = state;
    select({ ...rest, texts: undefined, ...change });
  };
  return (
    <Dialog key={name} title={`History of ${name}`} onClose={close}>
      {commit === undefined ? (
        <p class="muted">No commit is recorded. Open memories with the option history to record them.</p>
      ) : (
        <>
          <input
            type="range"
            min={0}
            max={commits.length - 1}
            value={index}
            aria-label="Revision"
            aria-valuetext={`${index + 1} of ${commits.length}, ${timeText(commit.time)}`}
            onInput={(event) => choose({ index: Number(event.currentTarget.value) })}
          />
          <p class="muted">
            {`${index + 1} of ${commits.length} · ${new Date(commit.time).toLocaleString()} · revision ${commit.revision}`}
            {commit.writer !== undefined && ` · ${commit.writer}`}
            {commit.isAfterGap && ' · what came before is not recorded'}
          </p>
          {commit.mutations !== undefined && <p class="preview">{commit.mutations}</p>}
          <label>
            Compare with{' '}
            <select
              value={comparedWith}
              onChange={({ currentTarget: { value } }) =>
                choose({ comparedWith: value === 'before' || value === 'now' ? value : Number(value) })
              }
            >
              <option value="before">the revision before</option>
              <option value="now">the value as it is now</option>
              {commits.map(({ revision, time }, other) => (
                <option key={`${revision} ${time}`} value={other}>{`${other + 1}, ${timeText(time)}`}</option>
              ))}
            </select>
          </label>
          {problem !== undefined && <p class="problem">{problem}</p>}
          {texts !== undefined && <Lines texts={texts} />}
          {canWrite.value && commit.revision !== '0' && (
            <div class="buttons">
              <button type="button" class="main" onClick={() => void restore(name, commit.revision)}>
                Restore this revision
              </button>
            </div>
          )}
        </>
      )}
    </Dialog>
  );
}

function Lines({ texts: [one, other] }: { texts: readonly [string, string] }) {
  const { before, removed, added, after } = compareLines(one, other);
  if (removed.length === 0 && added.length === 0) return <p class="muted">There is no difference.</p>;
  const plain = (lines: readonly string[]) => lines.length > 0 && <span>{lines.join('\n')}</span>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll it
    <pre class="scroller lines" tabIndex={0}>
      {plain(before)}
      {removed.length > 0 && <del>{removed.join('\n')}</del>}
      {added.length > 0 && <ins>{added.join('\n')}</ins>}
      {plain(after)}
    </pre>
  );
}

async function restore(name: string, revision: string): Promise<void> {
  try {
    await ask<'restore'>({ op: 'restore', name, revision });
    say(`Restored ${name}`);
    close();
  } catch (error) {
    say(`Not restored: ${(error as Error).message}`, true);
  }
}
