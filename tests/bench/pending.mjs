// Memory for 128 MB of pending mutations, and the longest blocks of the event loop while they are made and sent. By itself:
// `node tests/bench/pending.mjs [workload]`, with the built package.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Memory } from 'synced-memory';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { BlockMeter } from './block-meter.mjs';
import { grouped, table, verdict } from './report.mjs';

const limit = 128 << 20;
const lists = Array.from({ length: 16 }, (_, n) => `l${n}`);
/** The name of the list that mutation number n changes. */
const listOf = (/** @type {number} */ n) => `l${n % 16}`;

/**
 * Makes mutation number n.
 * @type {Record<string, (mem: any, n: number) => void>}
 */
const workloads = {
  'pushes of 100 bytes': (mem, n) => mem[listOf(n)].push(`${n} ${'x'.repeat(90)}`),
  'pushes of small dicts': (mem, n) => mem[listOf(n)].push({ id: n, name: 'some name', tags: ['a', 'b'] }),
  'pushes of 100 KB': (mem, n) => mem[listOf(n)].push(`${n} ${'x'.repeat(100_000)}`),
  'new keys of dicts': (mem, n) => {
    mem[`d${n % 16}`][`key ${n}`] = { value: n, text: 'x'.repeat(40) };
  },
  'elements replaced': (mem, n) => {
    mem[listOf(n)][(n * 7919) % 1000] = `${n} ${'x'.repeat(90)}`;
  },
};

const nextTask = () => new Promise((resolve) => setImmediate(resolve));
const megabytes = (/** @type {number} */ bytes) => Math.round(bytes / (1 << 20));

/** Runs in a process of its own, whose memory is measured. */
async function run(/** @type {string} */ url, /** @type {string} */ name) {
  const mem = /** @type {any} */ (await Memory.open({ url, maxPendingBytes: limit }));
  for (const list of lists) mem[list] = name === 'elements replaced' ? Array(1000).fill('') : [];
  for (let n = 0; n < 16; n++) mem[`d${n}`] = {};
  await mem.$flush();
  const empty = process.memoryUsage.rss();
  process.send?.('stop');
  await once(process, 'message');

  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  const made = new BlockMeter();
  const start = performance.now();
  let count = 0;
  try {
    // At most a million: the elements that replace each other are coalesced.
    for (; count < 1_000_000; count++) {
      workloads[name]?.(mem, count);
      if (count % 100 === 99) await nextTask();
    }
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'ERR_QUEUE_FULL') throw error;
  }
  const makingMs = performance.now() - start;
  const making = made.stop();
  const pending = mem.$status.pendingBytes;
  process.send?.('go');
  await once(process, 'message');
  const sent = new BlockMeter();
  const flushing = performance.now();
  await mem.$flush();
  const flushMs = performance.now() - flushing;
  const sending = sent.stop();
  peak = Math.max(peak, process.memoryUsage.rss());
  clearInterval(watch);
  await mem.$close();
  process.send?.({ count, pending, beyond: peak - empty, making, makingMs, sending, flushMs });
}

/** Measures each workload. */
export async function pendingMemory(/** @type {string[]} */ names = Object.keys(workloads)) {
  const rows = [['', 'mutations', 'pending MB', 'RSS MB', 'times', 'made in ms', 'block', 'flushed in ms', 'block']];
  let worst = 0;
  for (const name of names) {
    const server = await startRedisServer();
    const child = fork(new URL(import.meta.url), ['--run', server.url, name]);
    const result = await new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error(`${name}: the process ended`)));
      child.on('message', (message) => {
        if (typeof message === 'object') return resolve(message);
        server.signal(message === 'stop' ? 'SIGSTOP' : 'SIGCONT');
        child.send('done');
      });
    });
    await server.stop();
    const times = result.beyond / result.pending;
    worst = Math.max(worst, times);
    const numbers = [result.makingMs, result.making, result.flushMs, result.sending].map(grouped);
    const sizes = [String(megabytes(result.pending)), String(megabytes(result.beyond)), times.toFixed(1)];
    rows.push([name, grouped(result.count), ...sizes, ...numbers]);
  }
  table('pending mutations up to maxPendingBytes of 128 MB, server paused, then flushed', rows);
  verdict('memory beyond an empty process', `${worst.toFixed(1)} ×`, 'at most 3 ×', worst <= 3);
}

const [, , command, ...rest] = process.argv;
if (command === '--run') await run(/** @type {string} */ (rest[0]), /** @type {string} */ (rest[1]));
else if (process.argv[1]?.endsWith('pending.mjs'))
  await pendingMemory(command === undefined ? undefined : [command, ...rest]);
