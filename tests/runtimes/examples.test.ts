// The examples: a Node service, a Worker, an edge function and a Python script on one memory.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { python, requirePython } from '../../scripts/python-environment.mjs';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { startUpstashServer, type UpstashServer } from '../edge/upstash-server.js';
import { bundle } from './bundle.js';
import { startWorker, type Worker } from './miniflare.js';
import { startProgram } from './programs.js';
import { load, printed, tools } from './tools.js';

const examples = join(tools, 'examples');
let redis: Awaited<ReturnType<typeof startRedisServer>>;
let upstash: UpstashServer;
let worker: Worker;
let edge: { dispatchFetch: (url: string, init: object) => Promise<Response> };
let service: Awaited<ReturnType<typeof startProgram>>;

beforeAll(async () => {
  requirePython();
  cpSync(join(root, 'examples'), examples, { recursive: true });
  redis = await startRedisServer();
  upstash = await startUpstashServer(redis.url, { takesHeader: true });
  service = await startProgram(join(examples, 'node-service/service.js'), { REDIS_URL: redis.url, PORT: '0' });
  worker = await startWorkerExample();
  edge = await startEdgeFunction();
});
afterAll(async () => {
  await service?.stop();
  await worker?.dispose();
  await upstash?.stop();
  await redis?.stop();
});

async function startWorkerExample() {
  const { compatibility_date: compatibilityDate } = JSON.parse(
    readFileSync(join(examples, 'worker/wrangler.json'), 'utf8'),
  );
  const folder = await bundle('examples/worker/worker.js', ['workerd', 'worker', 'browser']);
  return startWorker(folder, 'worker.mjs', {
    compatibilityDate,
    bindings: { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: upstash.token },
  });
}

/** The route as the framework calls it. Here its wasm comes as text: the emulator may compile. */
async function startEdgeFunction() {
  writeFileSync(
    join(examples, 'called.js'),
    `import * as route from './edge-function/route.js';
     addEventListener('fetch', (event) => event.respondWith(route[event.request.method](event.request)));`,
  );
  const environment = { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: upstash.token };
  const folder = await bundle('examples/called.js', ['browser'], {
    format: 'iife',
    define: Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [`process.env.${name}`, JSON.stringify(value)]),
    ),
  });
  const { EdgeRuntime } = load('edge-runtime');
  return new EdgeRuntime({ initialCode: readFileSync(join(folder, 'called.mjs'), 'utf8') });
}

test('each example adds a visit and sees all visits', async () => {
  const post = { method: 'POST' };
  const visits: string[] = [];

  visits.push('Node service');
  expect(await (await fetch(service.url, post)).json()).toEqual(visits);
  visits.push('Worker');
  expect(await (await worker.dispatchFetch('http://worker/', post)).json()).toEqual(visits);
  visits.push('edge function');
  expect(await (await edge.dispatchFetch('http://edge/', post)).json()).toEqual(visits);
  visits.push('Python script');
  const settings = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) };
  expect(JSON.parse(await printed(python, ['python/visit.py'], examples, settings))).toEqual(visits);

  // Without another look at the server: what the others did has arrived, Python's write included.
  await expect.poll(async () => (await fetch(service.url)).json()).toEqual(visits);
  expect(await (await worker.dispatchFetch('http://worker/', {})).json()).toEqual(visits);
  expect(await (await edge.dispatchFetch('http://edge/', {})).json()).toEqual(visits);
});

test('the service ends on SIGTERM', async () => {
  expect(await service.stop()).toBe(0);
});
