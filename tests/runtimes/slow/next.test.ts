// A Next.js application: an edge route, a Node route and a page for the browser, with both of its bundlers.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startRedisServer } from '../../../scripts/redis-server.mjs';
import { installProject } from '../../../scripts/runtime-projects.mjs';
import { startUpstashServer, type UpstashServer } from '../../edge/upstash-server.js';
import { printed } from '../tools.js';

let folder: string;
let redis: Awaited<ReturnType<typeof startRedisServer>>;
let upstash: UpstashServer;
let settings: Record<string, string>;
beforeAll(async () => {
  folder = installProject('next');
  redis = await startRedisServer();
  upstash = await startUpstashServer(redis.url, { takesHeader: true });
  settings = {
    REDIS_URL: redis.url,
    UPSTASH_URL: upstash.url,
    UPSTASH_TOKEN: upstash.token,
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'production',
  };
});
afterAll(async () => {
  await upstash?.stop();
  await redis?.stop();
});

const next = (): string => join(folder, 'node_modules/next/dist/bin/next');

async function build(bundler: string, more = {}): Promise<void> {
  await printed(process.execPath, [next(), 'build', `--${bundler}`], folder, { ...settings, ...more });
}

/** Starts what was built; resolves when it accepts requests. */
async function start(args: string[], cwd: string): Promise<{ url: string; stop(): Promise<void> }> {
  const PORT = String(await freePort());
  const env = { ...process.env, ...settings, PORT, HOSTNAME: '127.0.0.1' };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    const log: string[] = [];
    child.once('exit', () => reject(new Error(`next ended:\n${log.join('\n')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      if (line.includes('Ready')) resolve();
    });
  });
  return {
    url: `http://127.0.0.1:${PORT}`,
    async stop() {
      child.kill();
      await exited;
    },
  };
}

async function checkRoutes(url: string, name: string): Promise<void> {
  const get = async (path: string) => (await fetch(`${url}${path}`)).text();
  expect(JSON.parse(await get(`/node?who=${name}-ann`))).toContain(`${name}-ann`);
  const visits = JSON.parse(await get(`/edge?who=${name}-bob`));
  expect(visits.slice(-2)).toEqual([`${name}-ann`, `${name}-bob`]);
  expect(await get('/')).toContain('<p id="tasks">');
}

test.each(['turbopack', 'webpack'])(
  '%s: edge and Node routes share one memory, and the page has the wasm build, without a word in the configuration',
  async (bundler) => {
    await build(bundler);
    const app = await start([next(), 'start'], folder);
    await checkRoutes(app.url, bundler).finally(app.stop);
  },
  180_000,
);

test('standalone: the copied output has the addon if the configuration names it', async () => {
  await build('turbopack', { STANDALONE: '1' });
  const elsewhere = mkdtempSync(join(tmpdir(), 'synced-memory-next-'));
  cpSync(join(folder, '.next/standalone'), elsewhere, { recursive: true, verbatimSymlinks: true });
  expect(existsSync(join(elsewhere, 'node_modules/synced-memory/cjs/index.cjs'))).toBe(true);
  const app = await start(['server.js'], elsewhere);
  await checkRoutes(app.url, 'standalone').finally(app.stop);
  rmSync(elsewhere, { recursive: true });
}, 180_000);
