// The examples of docs/testing.md in projects of those who use them: with Jest, and with Vitest in Cloudflare's runtime.
import { expect, test } from 'vitest';
import { installProject } from '../../../scripts/runtime-projects.mjs';
import { writeExamples } from '../testing-page.js';
import { printed } from '../tools.js';

test.each(['node', 'workers'])('Vitest, project %s', async (project) => {
  const folder = installProject('vitest');
  writeExamples(folder, 'vitest');
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--reporter', 'json'];
  const report = JSON.parse((await printed(process.execPath, args, folder)).match(/^\{.*\}$/m)?.[0] ?? '');
  expect(report).toMatchObject({ success: true, numPassedTests: 5, numTotalTests: 5 });
});

// It installs Jest.
test('Jest without settings, and ts-jest with the settings of a NestJS project', { timeout: 180_000 }, async () => {
  const folder = installProject('jest');
  writeExamples(folder, 'jest');
  for (const selection of [['tasks.test.js'], ['--config', 'nest/package.json']]) {
    const args = ['node_modules/jest/bin/jest.js', '--json', ...selection];
    const report = JSON.parse(await printed(process.execPath, args, folder));
    expect(report).toMatchObject({ success: true, numPassedTests: 1, numTotalTests: 1 });
  }
});
