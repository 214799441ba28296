import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { python, requirePython } from '../../scripts/python-environment.mjs';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';
import { examplesOf } from './examples.js';

const examples = ['README.md', 'docs/history.md'].flatMap(examplesOf);
/** Inside the repository, so that `synced-memory` resolves as it does for a user who installed it. */
const sources = join(root, '.cache/readme');
const folder = mkdtempSync(join(tmpdir(), 'synced-memory-readme-'));
let server: Awaited<ReturnType<typeof startRedisServer>>;

const extensions = { js: 'mjs', ts: 'ts', python: 'py' };
const fileOf = (index: number) => join(sources, `example-${index}.${extensions[examples[index]?.language ?? 'js']}`);

beforeAll(async () => {
  requirePython();
  server = await startRedisServer();
  rmSync(sources, { recursive: true, force: true });
  mkdirSync(sources, { recursive: true });
  for (const [index, { code }] of examples.entries()) {
    writeFileSync(fileOf(index), code.replaceAll('redis://localhost:6379', server.url));
  }
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Standard output of a program, run in an empty folder without settings of this machine's. */
async function printed(program: string, args: string[]): Promise<string[]> {
  const { SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PREFIX, NODE_ENV, ...env } = process.env;
  // Python's package takes the port from the environment, and prints in the locale's encoding unless told.
  if (program === python) Object.assign(env, { REDIS_PORT: String(server.port), PYTHONUTF8: '1' });
  const { stdout } = await promisify(execFile)(program, args, { cwd: folder, env });
  return stdout.trim() === '' ? [] : stdout.trim().split('\n');
}

/** TypeScript examples pass the strict compiler, then run as what it made of them. */
function compile(index: number): string {
  const options = ['--strict', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--module', 'nodenext'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  writeFileSync(join(sources, 'package.json'), '{ "type": "module" }');
  execFileSync(process.execPath, [tsc, ...options, '--types', 'node', fileOf(index)], { cwd: root, stdio: 'inherit' });
  return fileOf(index).replace(/ts$/, 'js');
}

/** Examples under one heading build on each other, so they run in the order of the page. */
describe.sequential('the examples of the README and of docs/history.md', () => {
  test('are all found', () => {
    expect(examples.map(({ language }) => language)).toEqual([
      'js',
      'js',
      'js',
      'js',
      'ts',
      'js',
      'js',
      'js',
      'ts',
      'js',
      'js',
      'js',
      'js',
      'js',
      'python',
      'js',
      'js',
      'js',
    ]);
  });

  // The wasm build has neither files, which an example without a URL opens, nor anything that blocks.
  const runnable = examples
    .map(({ heading, language, code }, index) => ({ index, heading, language, code }))
    .filter(({ code }) => !onWasm || !/openSync|open\(\)|journal:/.test(code));

  test.each(runnable)('$index: $heading ($language)', async ({ index, language }) => {
    const file = language === 'ts' ? compile(index) : fileOf(index);
    const program = language === 'python' ? python : process.execPath;
    expect(await printed(program, [file])).toEqual(examples[index]?.prints);
  });
});
