// Programs that must not compile, under each version of TypeScript: errors at the lines that say so, and at no others. What stands
// between backticks there is part of the error.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';

const folder = join(import.meta.dirname, 'must-not-compile');
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));

/** The texts of comments `// error: …` at the ends of lines, by `file:line`. */
const marked = new Map(
  files.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const text = line.split('// error: ')[1];
        return text === undefined ? [] : [[`${file}:${index + 1}`, text] as const];
      }),
  ),
);

// A compiler written in JavaScript takes its time on a machine that is busy.
test.each(['typescript', 'typescript-6.0', 'typescript-5.9'])('%s', { timeout: 300_000 }, async (name) => {
  const compiler = join(root, 'node_modules', name, 'bin/tsc');
  const printed = await promisify(execFile)(process.execPath, [compiler, '-p', folder], { cwd: folder }).then(
    () => '',
    ({ stdout }) => stdout,
  );
  // An error goes on in lines that are indented.
  const errors = [...printed.matchAll(/^(\S+)\((\d+),\d+\): error (.*(?:\n .*)*)/gm)].map(
    ([, file, line, text = '']) => {
      return { place: `${file}:${line}`, text };
    },
  );
  expect([...new Set(errors.map(({ place }) => place))].sort(), printed).toEqual([...marked.keys()].sort());
  for (const [place, text] of marked) {
    const part = text.match(/`(.*)`/)?.[1] ?? '';
    expect(
      errors.filter((error) => error.place === place && error.text.includes(part)),
      `${place}: ${text}`,
    ).not.toEqual([]);
  }
});
