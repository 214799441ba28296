// The tarballs as npm installs them, and what tools that check packages say of them.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../scripts/command.mjs';
import { packFolder } from '../../scripts/pack.mjs';
import { root } from '../../scripts/paths.mjs';
import { hostPlatform, platforms } from '../../scripts/platforms.mjs';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { tarballs } from '../../scripts/runtime-projects.mjs';
import { load, printed, program, tools } from './tools.js';

const exercised = '[["draft","review"],{"theme":"dark"}]';
const platform = hostPlatform()?.name;
const [main = '', own = ''] = [/^synced-memory-\d/, new RegExp(`^synced-memory-${platform}-\\d`)].map((name) =>
  join(packFolder, tarballs().find((file) => name.test(file)) ?? 'none'),
);

let folder: string;
let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  server = await startRedisServer();
  folder = mkdtempSync(join(tmpdir(), 'synced-memory-install-'));
  project('whole', main, own);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An empty project, into which npm installs these tarballs and nothing else. */
function project(name: string, ...packages: string[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), '{ "private": true }');
  const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  run('npm', ['install', '--prefix', path, '--offline', ...quiet, ...packages]);
  for (const file of ['exercise.mjs', 'addon.mjs', 'wasm.mjs', 'required.cjs', 'imported.cjs', 'both.cjs']) {
    writeFileSync(join(path, file), readFileSync(join(tools, file)));
  }
  return path;
}

const inWhole = (...args: string[]) => printed(process.execPath, args, join(folder, 'whole'));

test('there is a package for each of the eight platforms', () => {
  expect(platforms).toHaveLength(8);
  expect(existsSync(own)).toBe(true);
  const manifest = JSON.parse(readFileSync(join(folder, 'whole/node_modules/synced-memory/package.json'), 'utf8'));
  expect(Object.keys(manifest.optionalDependencies)).toEqual(platforms.map(({ name }) => `synced-memory-${name}`));
  expect(manifest.dependencies).toBeUndefined();
});

test('installed from its tarballs into an empty project: ESM, on a server, a file and in the process', async () => {
  expect(await inWhole('addon.mjs', server.url)).toBe(exercised);
  expect(await inWhole('addon.mjs', 'file:state.db')).toBe(exercised);
  expect(await inWhole('addon.mjs')).toBe(exercised);
  expect(await inWhole('wasm.mjs')).toBe(exercised);
});

test('the command line that npm installs runs', async () => {
  const cli = join(folder, 'whole/node_modules/.bin/synced-memory');
  const { version } = JSON.parse(readFileSync(join(root, 'npm/synced-memory/package.json'), 'utf8'));
  expect(await printed(cli, ['--version'], join(folder, 'whole'))).toBe(version);
  await printed(cli, ['set', 'installed', 'true', '--url', server.url], join(folder, 'whole'));
  expect(await printed(cli, ['get', 'installed', '--url', server.url], join(folder, 'whole'))).toBe('true');
});

test('CommonJS: import() everywhere', async () => {
  expect(await inWhole('imported.cjs')).toBe(exercised);
});

test('CommonJS: require()', async () => {
  expect(await inWhole('required.cjs')).toBe(`${exercised}\n${exercised}`);
});

test('a program that both imports and requires the package has one engine and one set of classes', async () => {
  expect(await inWhole('both.cjs')).toBe('["draft","review"]');
});

test('without an addon: one error with every cause and the remedy, which works', async () => {
  const path = project('without', main);
  const failing = printed(process.execPath, ['addon.mjs'], path).then(String, ({ stderr }) => stderr);
  expect(await failing).toMatch(
    /the native addon cannot be loaded on \w+-\w+:\n {2}(\.\.\/)+synced-memory\.node: Cannot find/,
  );
  expect(await failing).toContain(`\n  synced-memory-${platform}: Cannot find module`);
  expect(await failing).toContain('mark synced-memory as external in your bundler and ship node_modules');
  expect(await failing).toContain("import from 'synced-memory/edge'");
  expect(await failing).toContain("code: 'ERR_ADDON'");
  expect(await printed(process.execPath, ['wasm.mjs'], path)).toBe(exercised);
});

test('a broken addon: the error says why it does not load', async () => {
  const path = project('broken', main, own);
  writeFileSync(join(path, `node_modules/synced-memory-${platform}/synced-memory.node`), 'not a library');
  const failing = await printed(process.execPath, ['addon.mjs'], path).then(String, ({ stderr }) => stderr);
  expect(failing).toMatch(new RegExp(`\\n {2}synced-memory-${platform}: (?!Cannot find).*synced-memory\\.node: \\w`));
});

test('the tarball contains the code, its types and nothing else', async () => {
  const files = (await printed('tar', ['-tzf', main])).split('\n');
  const odd = files.filter(
    (file) =>
      !/^package\/(dist\/.+\.(js|js\.map|d\.ts)|cjs\/.+\.(cjs|d\.cts)|wasm\/[\w-]+\.(js|d\.ts|wasm)|\w+\.md|LICENSE|package\.json)$/.test(
        file,
      ),
  );
  expect(odd).toEqual([]);
  expect(files.filter((file) => /wasm\/core\.wasm|index\.d\.ts|LICENSE|README/.test(file)).length).toBeGreaterThan(4);
});

test('publint reports nothing', async () => {
  const { publint } = await import(load.resolve('publint'));
  const { messages } = await publint({
    pkgDir: join(folder, 'whole/node_modules/synced-memory'),
    pack: false,
    strict: true,
  });
  expect(messages).toEqual([]);
});

test('types resolve in every module resolution', async () => {
  // Exits with a failure on anything else.
  const args = [main, '--profile', 'strict', '--format', 'json', '--exclude-entrypoints', './core.wasm'];
  const { analysis } = JSON.parse(await printed(program('attw'), args));
  expect(Object.keys(analysis.entrypoints)).toEqual(
    expect.arrayContaining(['.', './edge', './testing', './react', './vue', './svelte', './solid']),
  );
});

test.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('a strict TypeScript program compiles: module %s, resolution %s', async (module, resolution) => {
  const options = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022,dom', '--types', ''];
  const how = ['--module', module, '--moduleResolution', resolution];
  writeFileSync(join(folder, 'whole/typed.mts'), readFileSync(join(tools, 'typed.mts')));
  expect(await inWhole(join(root, 'node_modules/typescript/bin/tsc'), ...options, ...how, 'typed.mts')).toBe('');
});
