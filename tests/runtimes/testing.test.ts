// The examples of docs/testing.md with Vitest. Its other runners are in slow/testing.test.ts.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { examples, writeExamples } from './testing-page.js';
import { printed, tools } from './tools.js';

test('the page has examples for both runners', () => {
  expect(examples.map(({ file, runner }) => `${file} ${runner ?? ''}`.trim())).toEqual([
    'tasks.js',
    'tasks.test.js vitest',
    'tasks.test.js jest',
    'faults.test.js vitest',
  ]);
});

test('the examples for Vitest pass', async () => {
  const folder = join(tools, 'vitest');
  writeExamples(folder, 'vitest');
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, '--reporter', 'json'];
  const report = JSON.parse(await printed(process.execPath, args, folder));
  expect(report).toMatchObject({ success: true, numPassedTests: 5, numTotalTests: 5 });
});
