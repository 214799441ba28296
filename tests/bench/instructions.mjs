// The instructions of the core for pieces of work, counted by callgrind: the same in every run and on a busy machine.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, run } from '../../scripts/command.mjs';
import { targetFolder } from '../../scripts/paths.mjs';
import { expectAtMost, newSection } from './compare/section.mjs';
import { grouped } from './report.mjs';

const record = new URL('instructions.json', import.meta.url);
/**
 * The kind of work, the elements of its document, and the calls that are counted.
 * @type {[keyof typeof names, number, number][]}
 */
const works = [
  ['push', 10, 1_000],
  ['push', 10_000, 1_000],
  ['push', 1_000_000, 1_000],
  ['set', 10_000, 1_000],
  ['insert', 10_000, 100],
  ['load', 1_000, 1],
];
const names = {
  push: 'push of a number to a list of',
  set: 'set of an element in a list of',
  insert: 'insertion into the middle of a list of',
  load: 'opening of attributes of 1 KB:',
};
const text = `Instructions of the core, counted by callgrind: from the text of a mutation to the command, and from the answer to the
events. They do not depend on other load, so \`npm run bench -- --quick\` fails where one is a tenth above what is recorded in
\`tests/bench/instructions.json\` (\`--record\` records them again).`;

/**
 * Counts. Throws where a count is a tenth above the recorded one, unless `isRecorded` again.
 * @param {{ isRecorded?: boolean }} [options]
 * @returns {{ section: import('./compare/section.mjs').Section, exceeded: string[] }}
 */
export function instructionCounts({ isRecorded = false } = {}) {
  const section = newSection('Instructions of the core', text);
  if (output('valgrind', ['--version']) === undefined) {
    section.text += '\n\nNot counted: valgrind is missing on this machine.';
    console.log('instruction counts: skipped, because valgrind is missing (Debian: apt install valgrind)');
    return { section, exceeded: [] };
  }
  run('cargo', ['build', '--quiet', '--release', '-p', 'synced-memory-core', '--example', 'instructions']);
  /** @type {Record<string, number>} */
  const counts = Object.fromEntries(
    works.map(([kind, elements, calls]) => [
      `${kind} ${elements}`,
      Math.round((count(kind, elements, calls) - count(kind, elements, 0)) / calls),
    ]),
  );
  if (isRecorded) writeFileSync(record, `${JSON.stringify(counts, undefined, 2)}\n`);
  const recorded = JSON.parse(readFileSync(record, 'utf8'));
  section.tables.push({
    title: 'Instructions',
    rows: [
      ['', 'counted', 'recorded'],
      ...works.map(([kind, elements]) => [
        `${names[kind]} ${grouped(Number(elements))}`,
        grouped(counts[`${kind} ${elements}`] ?? 0),
        grouped(recorded[`${kind} ${elements}`]),
      ]),
    ],
  });
  expectAtMost(section, 'push to 1,000,000 beside 10', (counts['push 1000000'] ?? 0) / (counts['push 10'] ?? 1), 1.2);
  const exceeded = Object.entries(counts).filter(([name, value]) => value > recorded[name] * 1.1);
  return {
    section,
    exceeded: exceeded.map(
      ([name, value]) => `${name}: ${grouped(value)} instructions, recorded are ${grouped(recorded[name])}`,
    ),
  };
}

function count(kind, elements, calls) {
  const program = join(targetFolder, 'release/examples/instructions');
  const options = ['--tool=callgrind', '--callgrind-out-file=/dev/null', program];
  const { stderr, status } = spawnSync('valgrind', [...options, kind, String(elements), String(calls)], {
    encoding: 'utf8',
  });
  const counted = stderr.match(/Collected : (\d+)/)?.[1];
  if (status !== 0 || counted === undefined) throw new Error(`valgrind: ${stderr}`);
  return Number(counted);
}
