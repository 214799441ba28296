// Every line of Node that is supported, the first of them at its first release.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installProject } from '../../../scripts/runtime-projects.mjs';
import { printed, tools } from '../tools.js';

const exercised = '[["draft","review"],{"theme":"dark"}]';
const folder = installProject('nodes');
const nodeOf = (name: string): string => join(folder, 'node_modules', name, 'bin/node');
const isThere = existsSync(nodeOf('node-20.0'));
if (!isThere) console.log('skipped: the releases of Node are there for Linux on x64 alone');

describe.runIf(isThere).each(['node-20.0', 'node-22', 'node-24', 'node-26'])('%s', (name) => {
  const node = (...args: string[]) => printed(nodeOf(name), ['--no-warnings', ...args], tools);

  test('ESM, with the addon and with wasm', async () => {
    expect(await node('addon.mjs')).toBe(exercised);
    expect(await node('wasm.mjs')).toBe(exercised);
  });

  test('CommonJS by import()', async () => {
    expect(await node('imported.cjs')).toBe(exercised);
  });

  test('CommonJS by require(), alone and beside import()', async () => {
    expect(await node('required.cjs')).toBe(`${exercised}\n${exercised}`);
    expect(await node('both.cjs')).toBe('["draft","review"]');
  });
});
