// The example of a Worker as Cloudflare's own tool bundles it for a deployment, which needs no account.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../../scripts/paths.mjs';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import { installProject } from '../../../scripts/runtime-projects.mjs';
import { startUpstashServer, type UpstashServer } from '../../edge/upstash-server.js';
import { startWorker } from '../miniflare.js';
import { printed } from '../tools.js';

// The tool that comes with the Vitest plugin wants a newer Node than this may be.
const node = join(installProject('nodes'), 'node_modules/node-22/bin/node');
if (!existsSync(node)) console.log('skipped: the releases of Node are there for Linux on x64 alone');

let redis: Awaited<ReturnType<typeof startRedisServer>>;
let upstash: UpstashServer;
beforeAll(async () => {
  redis = await startRedisServer();
  upstash = await startUpstashServer(redis.url, { takesHeader: true });
});
afterAll(async () => {
  await upstash?.stop();
  await redis?.stop();
});

test.runIf(existsSync(node))('wrangler bundles the wasm build, and the bundle runs', async () => {
  const folder = installProject('vitest');
  cpSync(join(root, 'examples/worker'), join(folder, 'worker'), { recursive: true });
  const out = join(folder, 'worker/out');
  const args = ['node_modules/wrangler/bin/wrangler.js', 'deploy', '--dry-run', '--outdir', out];
  const settings = { WRANGLER_SEND_METRICS: 'false', CI: 'true' };
  const said = await printed(node, [...args, '--config', 'worker/wrangler.json'], folder, settings);
  console.log(said.match(/Total Upload.*/)?.[0]);
  expect(readFileSync(join(out, 'worker.js'), 'utf8')).not.toContain('node:module');

  const worker = startWorker(out, 'worker.js', {
    compatibilityDate: '2026-01-01',
    bindings: { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: upstash.token },
  });
  try {
    const response = await worker.dispatchFetch('http://worker/', { method: 'POST' });
    expect(await response.json()).toEqual(['Worker']);
  } finally {
    await worker.dispose();
  }
});
