// Bundles as esbuild makes them, run where they are for.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundle } from './bundle.js';
import { printed } from './tools.js';

const exercised = '[["draft","review"],{"theme":"dark"}]';

test('for browsers: no part of Node is imported, whichever entry is used', async () => {
  const folder = await bundle('addon.mjs', ['browser'], { platform: 'browser', minify: true });
  // It runs in Node, too, as it needs nothing that only browsers have.
  expect(await printed(process.execPath, [join(folder, 'addon.mjs')])).toBe(exercised);
});

test('for Node: the addon stays where npm has put it', async () => {
  const folder = await bundle('addon.mjs', ['node'], { platform: 'node' });
  expect(await printed(process.execPath, [join(folder, 'addon.mjs')])).toBe(exercised);
});

const outExtension = { '.js': '.cjs' };

test('for Node as CommonJS: the addon is looked for from where the program runs', async () => {
  const folder = await bundle('required.cjs', ['require'], { platform: 'node', format: 'cjs', outExtension });
  expect(await printed(process.execPath, [join(folder, 'required.cjs')])).toBe(`${exercised}\n${exercised}`);
});

test('for Node as CommonJS: with the wasm build, one file that needs nothing beside it', async () => {
  const folder = await bundle('wasm.mjs', ['require'], { platform: 'node', format: 'cjs', outExtension });
  expect(await printed(process.execPath, [join(folder, 'wasm.cjs')], '/')).toBe(exercised);
});
