// The result of one comparison: what goes to the terminal and to BENCHMARKS.md.
import { median } from '../report.mjs';

/**
 * @typedef {object} Verdict
 * @property {string} what
 * @property {string} measured
 * @property {string} target
 * @property {boolean} met
 * @property {string} [reason] why it can be missed
 *
 * @typedef {object} Section
 * @property {string} title
 * @property {string} text
 * @property {{ title: string, rows: string[][] }[]} tables the first row of each is its head
 * @property {{ name: string, title: string, svg: string }[]} charts
 * @property {{ what: string, peer: string, ratio: number }[]} ratios our time or memory beside a peer's
 * @property {Verdict[]} verdicts
 */

/** @param {string} title @param {string} text @returns {Section} */
export function newSection(title, text) {
  return { title, text, tables: [], charts: [], ratios: [], verdicts: [] };
}

/**
 * Adds a verdict on a ratio, or on another number, which must not exceed a limit.
 * @param {Section} section @param {string} what @param {number} value @param {number} limit
 * @param {{ unit?: string, digits?: number, reason?: string }} [options]
 */
export function expectAtMost(section, what, value, limit, { unit = '×', digits = 2, reason } = {}) {
  const met = value <= limit;
  section.verdicts.push({
    what,
    measured: `${value.toFixed(digits)} ${unit}`,
    target: `at most ${limit} ${unit}`,
    met,
    reason,
  });
}

/** @param {number[]} values @param {number} part between 0 and 1 */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return /** @type {number} */ (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]);
}

/** The median and the quartiles. @param {number[]} values @param {(value: number) => string} format */
export function spread(values, format) {
  return `${format(median(values))} (${format(quantile(values, 0.25))} to ${format(quantile(values, 0.75))})`;
}

/** Three significant digits, with separators of thousands. @param {number} value */
export function threeDigits(value) {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** @param {number} us microseconds */
export function duration(us) {
  if (us < 1) return `${threeDigits(us * 1000)} ns`;
  return us < 1000 ? `${threeDigits(us)} µs` : `${threeDigits(us / 1000)} ms`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${threeDigits(bytes / 1000)} KB` : `${threeDigits(bytes / 1e6)} MB`;
}
