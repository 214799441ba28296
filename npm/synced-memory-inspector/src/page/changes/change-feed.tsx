import { useEffect } from 'preact/hooks';
import { lastChange } from '../events.js';
import { numberText } from '../format.js';
import { ChangeRow } from './change-row.js';
import { entries, filter, followChanges, goBack, isAtEnd, isPaused } from './feed-state.js';

/** From so many pixels to the end on, older changes are asked for. */
const NEAR_END = 400;

/** The changes, the newest first. */
export function ChangeFeed() {
  useEffect(followChanges, []);
  const missed = isPaused.value ? lastChange.value - (entries.value[0]?.number ?? lastChange.value) : 0;
  return (
    <section class="feed" aria-label="Changes">
      <div class="tools">
        <input
          type="search"
          placeholder="Path or writer"
          aria-label="Only changes whose path or writer contains"
          value={filter.value}
          onInput={(event) => {
            isPaused.value = false;
            filter.value = event.currentTarget.value;
          }}
        />
        <button
          type="button"
          aria-pressed={isPaused.value}
          onClick={() => {
            isPaused.value = !isPaused.value;
          }}
        >
          {isPaused.value ? 'Go on' : 'Pause'}
        </button>
        <span class="muted count">
          {isPaused.value ? `${numberText(missed)} newer` : `${numberText(lastChange.value)} changes`}
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll it */}
      <ol class="scroller changes" tabIndex={0} aria-label="Changes, the newest first" onScroll={scrolled}>
        {entries.value.map((entry) => (
          <ChangeRow key={entry.number} entry={entry} />
        ))}
        <li class="hint">{endText()}</li>
      </ol>
    </section>
  );
}

function scrolled({ currentTarget: box }: { currentTarget: HTMLElement }): void {
  // A row must not move away while somebody reads it.
  if (box.scrollTop > 0 && !isPaused.value) isPaused.value = true;
  if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END) void goBack();
}

function endText(): string {
  if (entries.value.length === 0) return 'Changes appear here. They are recorded while a page is open.';
  return isAtEnd.value ? 'Older changes are not recorded.' : '…';
}
