// The programs of the README and of all pages: each runs, and prints what the comments beside it say.
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { python, requirePython } from '../../scripts/python-environment.mjs';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';
import { type Example, examplesOf, pages } from './examples.js';
import { startTwice } from './two-terminals.js';

/** Inside the repository, so that `synced-memory` resolves as it does for a user who installed it. */
const sources = join(root, '.cache/docs-examples');
const folder = mkdtempSync(join(tmpdir(), 'synced-memory-docs-'));
let server: Awaited<ReturnType<typeof startRedisServer>>;
let port: number;

beforeAll(async () => {
  requirePython();
  server = await startRedisServer();
  port = await freePort();
  rmSync(sources, { recursive: true, force: true });
  mkdirSync(sources, { recursive: true });
  writeFileSync(join(sources, 'package.json'), '{ "type": "module" }');
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A port that nothing listens at. */
async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as { port: number };
  await new Promise((resolve) => listening.close(resolve));
  return port;
}

/** The environment of an example: without settings of this machine's. */
function environment(isPython: boolean): NodeJS.ProcessEnv {
  const { SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PREFIX, NODE_ENV, ...env } = process.env;
  // Python's package takes the port from the environment, and prints in the locale's encoding unless told.
  return isPython ? { ...env, REDIS_PORT: String(server.port), PYTHONUTF8: '1' } : env;
}

/** The program of an example. One that imports nothing is a part of one that has opened a memory as `mem`. */
function programOf({ code, language }: Example): string {
  const isPart = language === 'js' && !/^import /m.test(code);
  const opening = `import { Memory } from 'synced-memory';\nconst log = console.log;\nconst mem = await Memory.open('memory:');\n`;
  const whole = isPart ? `${opening}${code}await mem.$close();\n` : code;
  return whole.replaceAll('redis://localhost:6379', server.url).replaceAll('8080', String(port));
}

/** Writes the program of an example. TypeScript passes the strict compiler, and is what that made of it. */
function write(example: Example, name: string): string {
  const extension = { js: 'mjs', ts: 'ts', python: 'py' }[example.language];
  const file = join(sources, `${name}.${extension}`);
  writeFileSync(file, programOf(example));
  if (example.language !== 'ts') return file;
  const options = ['--strict', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--module', 'nodenext'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, ...options, '--types', 'node', file], { cwd: root, stdio: 'inherit' });
  return file.replace(/ts$/, 'js');
}

const isEndless = ({ code }: Example) => code.includes('for await');

/** Whether a program needs more than the wasm build has: files, of which a memory without a URL is one, or calls that block. */
const isNative = ({ code }: Example) =>
  /openSync|open\(\)|open\(\{ defaults|journal:/.test(code) && !code.includes("'synced-memory/edge'");

/** Each page with those of its programs that this build can run. */
const examplesByPage = pages
  .map((page) => ({
    page,
    examples: examplesOf(page)
      .map((example, index) => ({ ...example, index }))
      .filter((example) => !onWasm || !isNative(example)),
  }))
  .filter(({ examples }) => examples.length > 0);

/** Programs of one page build on each other, so they run in its order, on one server and in one folder. */
describe.sequential.each(examplesByPage)('$page', ({ page, examples }) => {
  const name = page.replace(/\W/g, '-');
  const cwd = join(folder, name);

  beforeAll(async () => {
    mkdirSync(cwd);
    const client = await createClient({ url: server.url }).connect();
    await client.flushAll();
    client.destroy();
  });

  test.each(examples.filter((one) => !isEndless(one)))('$index: $heading ($language)', async (example) => {
    const isPython = example.language === 'python';
    const program = isPython ? python : process.execPath;
    const file = write(example, `${name}-${example.index}`);
    const { stdout } = await promisify(execFile)(program, [file], { cwd, env: environment(isPython) });
    expect(stdout.trim() === '' ? [] : stdout.trim().split('\n')).toEqual(example.prints);
  });

  test.each(examples.filter(isEndless))('$index: $heading, in two terminals', async (example) => {
    const file = write(example, `${name}-${example.index}`);
    const { first, second, added } = await startTwice(file, { cwd, env: environment(false) });
    expect(second).toContain(`from ${first}`);
    expect(added).toMatch(/^\[ 'from \d+' \]$/);
  });
});
