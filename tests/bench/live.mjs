// The time that a change takes to another process, and its network traffic.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { grouped, median, table, verdict } from './report.mjs';

const rounds = 2_000;
const followers = 10;
/** CLOCK_MONOTONIC: the same in all processes. */
const micros = () => Number(process.hrtime.bigint()) / 1000;

/** @param {string} url @param {import('./node-redis.mjs').NodeRedis} client */
export async function live(url, client) {
  /** @type {import('synced-memory').Memory<{ log: number[], wide: Record<string, string> }>} */
  const mem = await Memory.open({ url, prefix: 'live:', names: ['log', 'wide'] });
  mem.log = [];
  mem.wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key${n}`, 'x'.repeat(90)]));
  await mem.$flush();
  const others = await Promise.all(Array.from({ length: followers }, () => start(url)));
  await latency(mem, client, /** @type {import('node:child_process').ChildProcess} */ (others[0]));
  await traffic(mem, client, others);
  for (const other of others) other.kill();
  await mem.$close();
}

/**
 * One at a time, ours and theirs in turns: the other process answers with the time at which it was told.
 * @param {import('synced-memory').Memory<{ log: number[] }>} mem
 * @param {import('./node-redis.mjs').NodeRedis} client
 * @param {import('node:child_process').ChildProcess} other
 */
async function latency(mem, client, other) {
  /** @type {Record<'ours' | 'theirs', number[]>} */
  const samples = { ours: [], theirs: [] };
  const { log } = mem;
  for (let n = -200; n < rounds; n++) {
    for (const [who, send] of /** @type {const} */ ([
      ['ours', () => log.push(n)],
      ['theirs', () => client.publish('live', `${n}`)],
    ])) {
      const told = once(other, 'message');
      const begin = micros();
      await send();
      const [end] = await told;
      if (n >= 0) samples[who].push(end - begin);
    }
  }
  const at = (/** @type {number[]} */ values, /** @type {number} */ part) =>
    /** @type {number} */ ([...values].sort((a, b) => a - b)[Math.floor(values.length * part)]);
  const row = (/** @type {string} */ name, /** @type {number[]} */ values) => [
    name,
    grouped(at(values, 0.5)),
    grouped(at(values, 0.99)),
  ];
  table(`From one process to another, in µs (${rounds} each, in turns)`, [
    ['', 'p50', 'p99'],
    row('synced-memory push → change event', samples.ours),
    row('node-redis publish → message', samples.theirs),
  ]);
  for (const [name, part] of /** @type {const} */ ([
    ['p50', 0.5],
    ['p99', 0.99],
  ])) {
    const ratio = at(samples.ours, part) / at(samples.theirs, part);
    verdict(`${name} beside publish`, `${ratio.toFixed(2)} ×`, 'at most 2 ×', ratio <= 2);
  }
}

/**
 * @param {import('synced-memory').Memory<{ wide: Record<string, string> }>} mem
 * @param {import('./node-redis.mjs').NodeRedis} client
 * @param {import('node:child_process').ChildProcess[]} others
 */
async function traffic(mem, client, others) {
  const bytes = async () => {
    const info = await client.info('stats');
    const read = (/** @type {string} */ name) => Number(info.match(new RegExp(`${name}:(\\d+)`))?.[1]);
    return read('total_net_input_bytes') + read('total_net_output_bytes');
  };
  /** @type {number[]} */
  const samples = [];
  for (let n = 0; n < 11; n++) {
    const nothing = await bytes();
    const before = await bytes();
    const told = others.map((other) => once(other, 'message'));
    mem.wide.key5000 = `${n}`.padEnd(90, 'y');
    await Promise.all(told);
    await mem.$flush();
    // Followers look once more at what they were told of, within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    samples.push(((await bytes()) - before - (before - nothing)) / followers);
  }
  const each = median(samples);
  table(`Bytes in and out of the server for one field of a document of 1 MB, by each of ${followers} followers`, [
    ['median', grouped(each)],
  ]);
  verdict('bytes a follower', grouped(each), 'at most 1,000', each <= 1_000);
}

/** @param {string} url */
async function start(url) {
  const other = fork(fileURLToPath(import.meta.url), [url]);
  await once(other, 'message');
  return other;
}

/** @param {string} url */
async function follow(url) {
  const mem = await Memory.open({ url, prefix: 'live:', names: ['log', 'wide'] });
  mem.$on('change', () => process.send?.(micros()));
  const client = createClient({ url });
  await client.connect();
  await client.subscribe('live', () => process.send?.(micros()));
  process.send?.('ready');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await follow(process.argv[2] ?? '');
