import { incidents } from './events.js';
import { timeText } from './format.js';

const labels = {
  conflict: 'conflict',
  moot: 'moot removal',
  error: 'error',
  warning: 'warning',
  regression: 'regression',
  disconnect: 'disconnected',
  connect: 'connected',
};

/** Conflicts, moot removals, errors and regressions since the handler was made, the newest first. */
export function IncidentList() {
  const newest = [...incidents.value].reverse();
  return (
    <section class="feed" aria-label="Incidents">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll it */}
      <ol class="scroller incidents" tabIndex={0} aria-label="Incidents, the newest first">
        {newest.map(({ number, kind, name, message, there, time, times }) => (
          <li key={number} class={`incident ${kind}`}>
            <div class="about">
              <span class="kind">{labels[kind]}</span>
              {name !== undefined && <span class="key">{name}</span>}
              {times > 1 && <span class="badge">{times} times</span>}
              <time class="muted">{timeText(time)}</time>
            </div>
            <p>{message}</p>
            {there !== undefined && <p class="preview">Now {there}</p>}
          </li>
        ))}
        {newest.length === 0 && (
          <li class="hint">Conflicts, moot removals, errors, lost connections and regressions appear here.</li>
        )}
      </ol>
    </section>
  );
}
