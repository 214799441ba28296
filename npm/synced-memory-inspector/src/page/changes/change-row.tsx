import type { ChangeEntry } from '../../protocol.js';
import { differenceOf, pathText, timeText } from '../format.js';
import { reveal } from '../tree/tree-state.js';

/** One change: where, what it was and is, who made it and when. */
export function ChangeRow({ entry }: { entry: ChangeEntry }) {
  const { path, kind, before, after, origin, revision, writer, time } = entry;
  return (
    <li class="change">
      <div class="about">
        <button type="button" class="plain key" onClick={() => reveal(path)}>
          {pathText(path)}
        </button>
        <span class={`kind ${kind}`}>{kind}</span>
        <span class="muted">{origin}</span>
        {writer !== undefined && <span class="writer">{writer}</span>}
        <time class="muted" title={revision && `revision ${revision}`}>
          {timeText(time)}
        </time>
      </div>
      <div class="difference">
        {kind === 'reload' && <span class="muted">steps unknown, now </span>}
        {before !== undefined && after !== undefined && kind === 'set' ? (
          <Difference before={before} after={after} />
        ) : (
          <>
            {before !== undefined && before !== '[]' && <del>{before}</del>}{' '}
            {after !== undefined && after !== '[]' && <ins>{after}</ins>}
          </>
        )}
      </div>
    </li>
  );
}

/** Two texts, with what is different in them. */
function Difference({ before, after }: { before: string; after: string }) {
  const { start, end } = differenceOf(before, after);
  const part = (text: string) => (
    <>
      {text.slice(0, start)}
      <mark>{text.slice(start, text.length - end)}</mark>
      {text.slice(text.length - end)}
    </>
  );
  return (
    <>
      <del>{part(before)}</del> <span class="muted">→</span> <ins>{part(after)}</ins>
    </>
  );
}
