// Eight processes that append to one list, beside one process that appends as much.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Memory } from 'synced-memory';
import { grouped, median, table, verdict } from './report.mjs';

const writers = 8;
const rounds = 5;
/** Eight processes share the pushes, and compile the code that makes them, on the same cores, eight times. */
const warmUps = 3;
const loads = [
  { name: 'all at once, then $flush', total: 400_000, each: Number.POSITIVE_INFINITY },
  { name: '$flush after every 100', total: 40_000, each: 100 },
  { name: '$flush after every one', total: 4_000, each: 1 },
];

/** @param {string} url @param {import('./node-redis.mjs').NodeRedis} client */
export async function severalWriters(url, client) {
  const processes = await Promise.all(Array.from({ length: writers }, () => startWriter(url)));
  const rows = [['', 'one process', `${writers} processes`, 'ratio']];
  const ratios = [];
  for (const { name, total, each } of loads) {
    /** @type {number[]} */
    const alone = [];
    /** @type {number[]} */
    const together = [];
    for (let round = -warmUps; round < rounds; round++) {
      const one = await rate(client, processes.slice(0, 1), total, each);
      const all = await rate(client, processes, total, each);
      if (round < 0) continue;
      alone.push(one);
      together.push(all);
    }
    const ratio = median(together) / median(alone);
    ratios.push(ratio);
    rows.push([name, grouped(median(alone)), grouped(median(together)), `${ratio.toFixed(2)} ×`]);
  }
  for (const writer of processes) writer.kill();
  table(`appends to one list, acknowledged per second (median of ${rounds}), every item once`, rows);
  const worst = Math.min(...ratios);
  verdict(`${writers} processes beside one`, `${worst.toFixed(2)} ×`, 'at least 0.80 ×', worst >= 0.8);
}

/**
 * @param {import('./node-redis.mjs').NodeRedis} client
 * @param {import('node:child_process').ChildProcess[]} processes
 * @param {number} total
 * @param {number} each
 */
async function rate(client, processes, total, each) {
  await client.set('memory:log', '{"value":[],"last_modified":1}');
  await Promise.all(processes.map((writer) => ask(writer, 'sync')));
  const share = total / processes.length;
  const start = performance.now();
  await Promise.all(processes.map((writer, index) => ask(writer, { from: index * share, count: share, each })));
  const seconds = (performance.now() - start) / 1000;
  /** @type {number[]} */
  const items = JSON.parse((await client.get('memory:log')) ?? '').value;
  if (items.length !== total || new Set(items).size !== total) {
    throw new Error(`the server has ${items.length} items, ${new Set(items).size} different ones, of ${total}`);
  }
  return total / seconds;
}

/** @param {string} url */
async function startWriter(url) {
  const writer = fork(fileURLToPath(import.meta.url), [url]);
  await once(writer, 'message');
  return writer;
}

/** @param {import('node:child_process').ChildProcess} writer @param {unknown} request */
async function ask(writer, request) {
  const answered = once(writer, 'message');
  writer.send(/** @type {import('node:child_process').Serializable} */ (request));
  await answered;
}

/** @param {string} url */
async function write(url) {
  /** @type {import('synced-memory').Memory<{ log: number[] }>} */
  const mem = await Memory.open({ url, names: ['log'] });
  process.on('message', async (/** @type {'sync' | { from: number, count: number, each: number }} */ request) => {
    if (request === 'sync') {
      await mem.$sync();
    } else {
      const list = mem.log;
      for (let n = 0; n < request.count; n++) {
        list.push(request.from + n);
        if ((n + 1) % request.each === 0) await mem.$flush();
      }
      await mem.$flush();
    }
    process.send?.('done');
  });
  process.send?.('ready');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await write(process.argv[2] ?? '');
