// Deno and Bun, from the npm packages that bring them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { printed, program } from './tools.js';

const exercised = '[["draft","review"],{"theme":"dark"}]';
let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

/** Standard output of a program in Deno, which asks nobody for a permission that it was not given. */
const deno = (...args: string[]) =>
  printed(program('deno'), ['run', '--no-prompt', '--node-modules-dir=manual', ...args], undefined, { NO_COLOR: '1' });
const bun = (...args: string[]) => printed(program('bun'), args);

test('Deno without any permission: the wasm build', async () => {
  expect(await deno('wasm.mjs')).toBe(exercised);
});

test('Deno with network permission: the wasm build over a TCP transport', async () => {
  expect(await deno('--allow-net', 'tcp.mjs', `${server.port}`)).toBe(exercised);
});

test('Deno with FFI permission: the addon', async () => {
  expect(await deno('--allow-all', 'addon.mjs', server.url)).toBe(exercised);
});

test('Deno without FFI permission: one error that names the remedy', async () => {
  const failing = await deno('--allow-env', '--allow-read', 'addon.mjs').then(String, ({ stderr }) => stderr);
  expect(failing).toContain('the native addon cannot be loaded');
  expect(failing).toContain("import from 'synced-memory/edge'");
});

test('Bun: the addon', async () => {
  expect(await bun('addon.mjs', server.url)).toBe(exercised);
  expect(await bun('required.cjs')).toBe(`${exercised}\n${exercised}`);
});

test('Bun: the wasm build', async () => {
  expect(await bun('wasm.mjs')).toBe(exercised);
});

test('Bun: a bundle, and a single executable file', async () => {
  await bun('build', 'wasm.mjs', '--target', 'browser', '--outfile', 'bundles/bun/wasm.mjs');
  expect(await printed(process.execPath, ['bundles/bun/wasm.mjs'])).toBe(exercised);
  await bun('build', 'wasm.mjs', '--compile', '--outfile', 'bundles/bun/program');
  expect(await printed('bundles/bun/program', [])).toBe(exercised);
});
