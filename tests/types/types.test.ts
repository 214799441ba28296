// Programs that must not compile, under each version of TypeScript: errors at the lines that say so, and at no others.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';

const folder = join(import.meta.dirname, 'must-not-compile');
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));

/** The lines that end in a comment `// error: …`, as `file:line`. */
const marked = files.flatMap((file) =>
  readFileSync(join(folder, file), 'utf8')
    .split('\n')
    .flatMap((line, index) => (line.includes('// error: ') ? [`${file}:${index + 1}`] : [])),
);

// A compiler written in JavaScript takes its time on a machine that is busy.
test.each(['typescript', 'typescript-6.0', 'typescript-5.9'])('%s', { timeout: 300_000 }, async (name) => {
  const compiler = join(root, 'node_modules', name, 'bin/tsc');
  const printed = await promisify(execFile)(process.execPath, [compiler, '-p', folder], { cwd: folder }).then(
    () => '',
    ({ stdout }) => stdout,
  );
  const errors = [...printed.matchAll(/^(\S+)\((\d+),\d+\): error/gm)].map(([, file, line]) => `${file}:${line}`);
  expect([...new Set(errors)].sort(), printed).toEqual([...marked].sort());
});
