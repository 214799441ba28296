// Sections as text: on the terminal, and as BENCHMARKS.md with its charts.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../scripts/paths.mjs';
import { table, verdict } from '../report.mjs';

const charts = 'docs/benchmarks';

/** @typedef {import('./section.mjs').Section} Section */

/** @param {Section} section */
export function printSection(section) {
  console.log(`\n${section.title}`);
  for (const { title, rows } of section.tables) table(title, rows);
  console.log('');
  for (const { what, measured, target, met } of section.verdicts) verdict(what, measured, target, met);
}

/** Writes BENCHMARKS.md and its charts. @param {Section[]} sections @param {string[]} machine lines about where it was measured */
export function writePage(sections, machine) {
  rmSync(join(root, charts), { recursive: true, force: true });
  mkdirSync(join(root, charts), { recursive: true });
  const parts = [
    '# Benchmarks',
    'Written by `npm run bench`, which measures it again on your machine. Figures of one machine say little about another, and ratios\nsay more: contenders take turns in every round, so that other load affects all of them alike. "Beside" gives a figure in\nmultiples of that of this package.',
    machine.map((line) => `- ${line}`).join('\n'),
    '## Where a peer is faster or smaller',
    peers(sections),
    '## Targets',
    targets(sections),
  ];
  for (const section of sections) {
    parts.push(`## ${section.title}`, section.text);
    for (const { name, title, svg } of section.charts) {
      writeFileSync(join(root, charts, `${name}.svg`), svg);
      parts.push(`![${title}](${charts}/${name}.svg)`);
    }
    for (const { title, rows } of section.tables) parts.push(`### ${title}`, markdown(rows));
  }
  writeFileSync(join(root, 'BENCHMARKS.md'), `${parts.join('\n\n')}\n`);
  console.log(`\nwritten: BENCHMARKS.md, ${charts}/`);
}

/** Every comparison in which ours costs over a tenth more. @param {Section[]} sections */
function peers(sections) {
  const rows = sections.flatMap(({ title, ratios }) => {
    const slower = ratios.filter(({ ratio }) => ratio > 1.1);
    const whats = [...new Set(slower.map(({ what }) => what))];
    return whats.map((what) => {
      const faster = slower.filter((each) => each.what === what).sort((one, other) => other.ratio - one.ratio);
      return [`${title}: ${what}`, faster.map(({ peer, ratio }) => `${peer} (ours ${ratio.toFixed(1)} ×)`).join(', ')];
    });
  });
  return markdown([['what', 'costs less with'], ...rows]);
}

/** @param {Section[]} sections */
function targets(sections) {
  const verdicts = sections.flatMap((section) => section.verdicts);
  const missed = verdicts.filter(({ met }) => !met).length;
  const rows = verdicts.map(({ what, measured, target, met, reason }) => [
    what,
    measured,
    target,
    met ? 'met' : `missed${reason === undefined ? '' : `: ${reason}`}`,
  ]);
  return `${missed} of ${verdicts.length} were missed in this run.\n\n${markdown([['what', 'measured', 'target', ''], ...rows])}`;
}

/** @param {string[][]} rows */
function markdown([head = [], ...rows]) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
