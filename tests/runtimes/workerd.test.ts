// Cloudflare's runtime, as Miniflare starts it: a Worker over HTTP and over TCP, and a Durable Object.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { startUpstashServer, type UpstashServer } from '../edge/upstash-server.js';
import { bundle } from './bundle.js';
import { startWorker, type Worker } from './miniflare.js';

let redis: Awaited<ReturnType<typeof startRedisServer>>;
let upstash: UpstashServer;
let bundled: string;
let worker: Worker;

beforeAll(async () => {
  redis = await startRedisServer();
  upstash = await startUpstashServer(redis.url, { takesHeader: true });
  bundled = await bundle('worker.mjs', ['workerd', 'worker', 'browser'], { minify: true });
  worker = startWorker(bundled, 'worker.mjs', {
    // WeakRef, for one, is not there yet at this date.
    compatibilityDate: '2025-01-01',
    durableObjects: { ROOM: 'Room', SCREEN: 'Screen' },
    bindings: { UPSTASH_URL: upstash.url, UPSTASH_TOKEN: upstash.token, REDIS_PORT: redis.port },
  });
});
afterAll(async () => {
  await worker?.dispose();
  await upstash?.stop();
  await redis?.stop();
});

async function get(path: string): Promise<unknown> {
  const response = await worker.dispatchFetch(`http://localhost${path}`);
  const text = await response.text();
  return response.ok ? JSON.parse(text) : text;
}

test('the size and the cold start of a Worker', async () => {
  // The server in the process is loaded with the first memory: URL, and without one never.
  const [late, needed] = [true, false].map((isLate) => {
    const files = readdirSync(bundled).filter((file) => file.startsWith('in-process-') === isLate);
    const gzipped = files.map((file) => gzipSync(readFileSync(join(bundled, file)), { level: 9 }).length);
    return gzipped.reduce((sum, bytes) => sum + bytes, 0);
  }) as [number, number];
  const [first, second] = (await get('/cold')) as number[];
  console.log(
    `workerd: ${kilobytes(needed)} gzipped, and ${kilobytes(late)} for memory: URLs; the first memory is open after ${first} ms, the second after ${second}`,
  );
  // Of the 1 MB that a Worker may have at the least, and of the second that its start may take.
  expect(needed).toBeLessThan(270_000);
  expect(late).toBeLessThan(65_000);
  expect(first).toBeLessThan(1000);
});

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;

test('memory: URLs keep attributes in the isolate, by a wasm module that is loaded with the first of them', async () => {
  const script = readFileSync(join(bundled, 'worker.mjs'), 'utf8');
  expect(script).toMatch(/import\("\.\/in-process-\w+\.wasm"\)/);
  expect(script).not.toMatch(/from ?"\.\/in-process/);
  expect(await get('/memory?who=ann')).toEqual(['ann']);
  expect(await get('/memory?who=bob')).toEqual(['ann', 'bob']);
});

test('over HTTP: two requests a visit, one that opens and one that flushes', async () => {
  expect(await get('/http?who=ann')).toEqual(['ann']);
  const { length } = upstash.requests;
  expect(await get('/http?who=bob')).toEqual(['ann', 'bob']);
  expect(upstash.requests.length - length).toBe(2);
});

test('over TCP: the same memory', async () => {
  expect(await get('/tcp?who=cid')).toEqual(['ann', 'bob', 'cid']);
  expect(await get('/tcp?who=dan')).toEqual(['ann', 'bob', 'cid', 'dan']);
});

test('concurrent visits: none is lost', async () => {
  const paths = Array.from({ length: 20 }, (_, i) => `/${i % 2 === 0 ? 'http' : 'tcp'}?who=guest${i}`);
  await Promise.all(paths.map(get));
  const visits = (await get('/http?who=last')) as string[];
  expect(visits.filter((who) => who.startsWith('guest')).sort()).toEqual(
    paths.map((path) => path.slice(path.indexOf('=') + 1)).sort(),
  );
});

test('waitUntil: the response does not wait for the flush', async () => {
  expect(await get('/http?who=eve&later')).toContain('eve');
  await expect.poll(() => get('/tcp?who=fay')).toContain('eve');
});

test('a Durable Object: one memory, concurrent requests', async () => {
  await Promise.all(Array.from({ length: 10 }, (_, i) => get(`/room?who=${i}`)));
  expect(((await get('/room?who=10')) as string[]).sort()).toEqual(Array.from({ length: 11 }, (_, i) => `${i}`).sort());
});

test.each(['/http', '/tcp'])(
  'a Durable Object that subscribes over %s receives the changes of Workers',
  async (over) => {
    const screen = () => get(`/screen?over=${over}`) as Promise<{ visits: string[]; live: boolean }>;
    await expect.poll(screen).toMatchObject({ live: true });
    for (const who of ['gus', 'hal', 'ian']) {
      await get(`/tcp?who=${who}${over}`);
      await expect.poll(async () => (await screen()).visits).toContain(`${who}${over}`);
    }
    upstash.cutStreams();
    await get(`/tcp?who=joe${over}`);
    await expect.poll(async () => (await screen()).visits, { timeout: 10_000 }).toContain(`joe${over}`);
  },
);
