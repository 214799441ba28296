// Bundles as esbuild makes them, run where they are for.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundle } from './bundle.js';
import { printed } from './tools.js';

const exercised = '[["draft","review"],{"theme":"dark"}]';

test('for browsers: no entry imports a module of Node', async () => {
  const folder = await bundle('addon.mjs', ['browser'], { platform: 'browser', minify: true });
  // It runs in Node, too, as it needs nothing that only browsers have.
  expect(await printed(process.execPath, [join(folder, 'addon.mjs')])).toBe(exercised);
});

test('for Node: the addon is loaded from node_modules', async () => {
  // The condition that esbuild sets where none are given.
  const folder = await bundle('addon.mjs', ['module'], { platform: 'node' });
  expect(await printed(process.execPath, [join(folder, 'addon.mjs')])).toBe(exercised);
});

const outExtension = { '.js': '.cjs' };

test('for Node as CommonJS: the addon is found from the working directory', async () => {
  const folder = await bundle('required.cjs', ['require'], { platform: 'node', format: 'cjs', outExtension });
  expect(await printed(process.execPath, [join(folder, 'required.cjs')])).toBe(`${exercised}\n${exercised}`);
});

test('for Node as CommonJS: the wasm build is a single file', async () => {
  const folder = await bundle('wasm.mjs', ['require'], { platform: 'node', format: 'cjs', outExtension });
  expect(await printed(process.execPath, [join(folder, 'wasm.cjs')], '/')).toBe(exercised);
});
