// Line charts as SVG.

const width = 760;
const height = 420;
const plot = { left: 78, right: 530, top: 44, bottom: 370 };
const colors = [
  '#0b5fff',
  '#d1495b',
  '#2e933c',
  '#8d6a9f',
  '#e09f3e',
  '#3d5a80',
  '#7f5539',
  '#ef476f',
  '#118ab2',
  '#5c677d',
];

/**
 * @typedef {object} Axis
 * @property {string} label
 * @property {'log' | 'linear'} scale
 * @property {(value: number) => string} format
 *
 * @typedef {{ name: string, points: number[][] }} Series
 */

/** @param {string} label @param {(value: number) => string} format @returns {Axis} */
export function logAxis(label, format) {
  return { label, scale: 'log', format };
}

/** @param {{ title: string, x: Axis, y: Axis, series: Series[] }} chart */
export function lineChart({ title, x, y, series }) {
  const points = series.flatMap((line) => line.points);
  const across = positions(
    x,
    points.map(([value = 0]) => value),
    plot.left,
    plot.right,
  );
  const up = positions(
    y,
    points.map(([, value = 0]) => value),
    plot.bottom,
    plot.top,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escaped(title)}</title><rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${plot.left}" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>`,
  ];
  for (const tick of across.ticks) {
    const at = across.of(tick).toFixed(1);
    parts.push(`<path d="M${at} ${plot.top}V${plot.bottom}" stroke="#e3e3e3"/>`);
    parts.push(
      `<text x="${at}" y="${plot.bottom + 17}" text-anchor="middle" fill="#444">${escaped(x.format(tick))}</text>`,
    );
  }
  for (const tick of up.ticks) {
    const at = up.of(tick).toFixed(1);
    parts.push(`<path d="M${plot.left} ${at}H${plot.right}" stroke="#e3e3e3"/>`);
    parts.push(
      `<text x="${plot.left - 7}" y="${Number(at) + 4}" text-anchor="end" fill="#444">${escaped(y.format(tick))}</text>`,
    );
  }
  parts.push(
    `<text x="${(plot.left + plot.right) / 2}" y="${height - 12}" text-anchor="middle">${escaped(x.label)}</text>`,
  );
  const middle = (plot.top + plot.bottom) / 2;
  parts.push(`<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>`);
  for (const [index, line] of series.entries()) {
    const color = colors[index % colors.length];
    const path = line.points.map(([px = 0, py = 0]) => `${across.of(px).toFixed(1)} ${up.of(py).toFixed(1)}`).join('L');
    const strokes = `fill="none" stroke="${color}" stroke-width="${index === 0 ? 3 : 1.7}"`;
    parts.push(`<path d="M${path}" ${strokes}/>`);
    if (line.points.length <= 12) {
      for (const [px = 0, py = 0] of line.points) {
        parts.push(`<circle cx="${across.of(px).toFixed(1)}" cy="${up.of(py).toFixed(1)}" r="3" fill="${color}"/>`);
      }
    }
    const row = plot.top + 12 + index * 20;
    parts.push(`<path d="M${plot.right + 14} ${row - 4}h18" ${strokes}/>`);
    parts.push(`<text x="${plot.right + 38}" y="${row}">${escaped(line.name)}</text>`);
  }
  return `${parts.join('\n')}\n</svg>\n`;
}

/**
 * The share of samples that took at most as long.
 * @param {string} title
 * @param {{ name: string, samples: number[] }[]} runs in microseconds
 */
export function distributionChart(title, runs) {
  const steps = Array.from({ length: 100 }, (_, index) => index / 100).concat([0.995, 0.999]);
  const series = runs.map(({ name, samples }) => {
    const sorted = [...samples].sort((a, b) => a - b);
    const points = steps.map((part) => [/** @type {number} */ (sorted[Math.floor(part * sorted.length)]), part * 100]);
    return { name, points };
  });
  const x = logAxis('time of one call, log', logTime);
  return lineChart({
    title,
    x,
    y: { label: 'calls that took at most as long, %', scale: 'linear', format: String },
    series,
  });
}

/** @param {number} us */
export function logTime(us) {
  if (us < 1) return `${Math.round(us * 1000)} ns`;
  if (us < 1000) return `${us} µs`;
  return us < 1e6 ? `${us / 1000} ms` : `${us / 1e6} s`;
}

/** @param {Axis} axis @param {number[]} values @param {number} from @param {number} to */
function positions({ scale }, values, from, to) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (scale === 'linear') {
    const of = (/** @type {number} */ value) => from + ((to - from) * value) / most;
    return { of, ticks: [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * most)) };
  }
  const [low, high] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const of = (/** @type {number} */ value) =>
    from + ((to - from) * (Math.log10(value) - low)) / Math.max(1, high - low);
  return { of, ticks: Array.from({ length: Math.max(1, high - low) + 1 }, (_, index) => 10 ** (low + index)) };
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
