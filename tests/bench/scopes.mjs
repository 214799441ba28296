// Ten thousand scopes in one process: how long it takes to open them, what each takes, and over how many connections.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Memory } from 'synced-memory';
import { grouped, median, table, verdict } from './report.mjs';

const count = 10_000;

/**
 * @typedef {{ openMs: number, oneMs: number, writeMs: number, rss: number, heap: number }} Measured
 */

/** @param {string} url @param {import('./node-redis.mjs').NodeRedis} client */
export async function manyScopes(url, client) {
  const connections = async () => Number((await client.info('clients')).match(/connected_clients:(\d+)/)?.[1]);
  const scans = async () => (await client.info('commandstats')).match(/cmdstat_scan:calls=(\d+)/)?.[1];
  const [before, scansBefore] = [await connections(), await scans()];
  const child = fork(fileURLToPath(import.meta.url), [url], { execArgv: ['--expose-gc'] });
  /** @type {[Measured]} */
  const [measured] = /** @type {any} */ (await once(child, 'message'));
  const used = (await connections()) - before;
  child.kill();
  table(`${grouped(count)} scopes in one process, an attribute each`, [
    ['all opened at once', `${grouped(measured.openMs)} ms`],
    ['another one opened, p50', `${measured.oneMs.toFixed(2)} ms`],
    ['a write to each, acknowledged', `${grouped(measured.writeMs)} ms`],
    ['memory of the process, for each', `${grouped(measured.rss)} bytes`],
    ['JavaScript heap of it', `${grouped(measured.heap)} bytes`],
    ['connections', `${used} (one for commands, one that listens)`],
  ]);
  verdict('connections', `${used}`, 'one, and one that listens', used === 2);
  verdict('SCAN', `${scansBefore === (await scans()) ? 'none' : 'some'}`, 'none', scansBefore === (await scans()));
}

/** @param {string} url @returns {Promise<Measured>} */
async function open(url) {
  const mem = await Memory.open({ url, prefix: 'scopes:', names: [] });
  const settled = async () => {
    // Glances at what was written are over.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    globalThis.gc?.();
    return process.memoryUsage();
  };
  const scope = (/** @type {string | number} */ n) =>
    /** @type {Promise<import('synced-memory').Memory<{ list: number[] }>>} */ (
      mem.$scope(`s${n}`, { names: ['list'] })
    );
  const empty = await settled();
  const start = performance.now();
  const scopes = await Promise.all(Array.from({ length: count }, (_, n) => scope(n)));
  const opened = performance.now();
  for (const one of scopes) one.list = [1];
  await Promise.all(scopes.map((one) => one.$flush()));
  const written = performance.now();
  const full = await settled();
  const samples = [];
  for (let n = 0; n < 500; n++) {
    const begin = performance.now();
    const one = await scope(`more${n}`);
    samples.push(performance.now() - begin);
    await one.$close();
  }
  return {
    openMs: opened - start,
    oneMs: median(samples),
    writeMs: written - opened,
    rss: (full.rss - empty.rss) / count,
    heap: (full.heapUsed - empty.heapUsed) / count,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.send?.(await open(process.argv[2] ?? ''));
  // Until the connections have been counted.
  setInterval(() => {}, 1_000);
}
