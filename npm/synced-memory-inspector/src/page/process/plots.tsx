import type { RatePoint } from '../../protocol.js';
import { PLOT_SECONDS, points } from '../events.js';
import { numberText } from '../format.js';

const WIDTH = 300;
const HEIGHT = 44;

/** Plots of the commits, changes and latencies of the last two minutes. */
export function Plots() {
  const seconds = lastSeconds(points.value);
  return (
    <>
      <h2>Last two minutes</h2>
      <div class="plots">
        <Plot title="Commits a second" values={seconds.map((point) => point?.commits ?? 0)} />
        <Plot title="Changes of this process a second" values={seconds.map((point) => point?.local ?? 0)} />
        <Plot title="Changes of others a second" values={seconds.map((point) => point?.remote ?? 0)} />
        <Plot title="Bytes of changed values a second" values={seconds.map((point) => point?.bytes ?? 0)} />
        <Plot title="Conflicts a second" values={seconds.map((point) => point?.conflicts ?? 0)} />
        <Plot title="Commit latency, median, ms" values={seconds.map((point) => point?.p50)} />
        <Plot title="Commit latency, 99th percentile, ms" values={seconds.map((point) => point?.p99)} />
      </div>
    </>
  );
}

/** A point for each second, up to the last one in which something happened. */
function lastSeconds(known: readonly RatePoint[]): (RatePoint | undefined)[] {
  const last = known.at(-1)?.second ?? 0;
  const bySecond = new Map(known.map((point) => [point.second, point]));
  return Array.from({ length: PLOT_SECONDS }, (_, index) => bySecond.get(last - PLOT_SECONDS + 1 + index));
}

function Plot({ title, values }: { title: string; values: readonly (number | undefined)[] }) {
  const known = values.filter((value) => value !== undefined);
  const most = Math.max(1, ...known);
  const now = known.at(-1);
  const bars = values
    .map((value, index) => {
      const height = ((value ?? 0) / most) * HEIGHT;
      return height > 0 ? `M${(index / PLOT_SECONDS) * WIDTH} ${HEIGHT}v${-height}` : '';
    })
    .join('');
  const text = now === undefined ? 'nothing yet' : `now ${round(now)}, at most ${round(Math.max(...known))}`;
  return (
    <figure>
      <figcaption>
        {title} <span class="muted">{text}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={bars} />
      </svg>
    </figure>
  );
}

const round = (value: number): string =>
  value < 10 ? value.toFixed(1).replace(/\.0$/, '') : numberText(Math.round(value));
