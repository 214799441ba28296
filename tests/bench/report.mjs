// Tables and verdicts on the terminal.

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return /** @type {number} */ (sorted[Math.floor(sorted.length / 2)]);
}

/**
 * The first column is left-aligned, the others right-aligned.
 * @param {string} title
 * @param {string[][]} rows the first one is the head
 */
export function table(title, rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const row of rows) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    console.log(`  ${cells.join('   ')}`);
  }
}

/**
 * @param {string} what
 * @param {string} measured
 * @param {string} target
 * @param {boolean} met
 */
export function verdict(what, measured, target, met) {
  console.log(`  ${met ? 'ok    ' : 'MISSED'} ${what}: ${measured} (target ${target})`);
}

/** @param {number} value */
export const grouped = (value) => Math.round(value).toLocaleString('en-US');
