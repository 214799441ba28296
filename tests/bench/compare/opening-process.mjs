// A process that opens what is stored: `node --expose-gc opening-process.mjs CONTENDER WHAT URL`. It sends what it measured.
import { BlockMeter } from '../block-meter.mjs';

const [contender = '', what = '', url = ''] = process.argv.slice(2);
const isMany = what === 'many';

/** What each contender loads before it is measured, and how it opens. @type {Record<string, () => Promise<() => Promise<unknown>>>} */
const contenders = {
  async 'synced-memory'() {
    const { Memory } = await import('synced-memory');
    // The connection is made beforehand, as those of the others are.
    await Memory.open({ url, prefix: 'empty:' });
    return async () => {
      const mem = keep(await Memory.open({ url, prefix: `${what}:`, maxDocumentBytes: 1 << 28 }));
      return isMany ? Object.keys(mem).length : mem.document.length;
    };
  },
  async 'node-redis'() {
    const { createClient } = await import('redis');
    const client = await createClient({ url }).connect();
    if (!isMany) return async () => keep(JSON.parse((await client.get(`${what}:document`)) ?? '').value).length;
    return async () => {
      const all = new Map();
      for await (const keys of client.scanIterator({ MATCH: 'many:*', COUNT: 1000 })) {
        const texts = keys.length > 0 ? await client.mGet(keys) : [];
        for (const [index, text] of texts.entries()) all.set(keys[index], JSON.parse(text ?? 'null').value);
      }
      return keep(all).size;
    };
  },
  async ioredis() {
    const { Redis } = await import('ioredis');
    const client = new Redis(url);
    await client.ping();
    if (!isMany) return async () => keep(JSON.parse((await client.get(`${what}:document`)) ?? '').value).length;
    return async () => {
      const all = new Map();
      for await (const keys of client.scanStream({ match: 'many:*', count: 1000 })) {
        const texts = keys.length > 0 ? await client.mget(keys) : [];
        for (const [index, text] of texts.entries()) all.set(keys[index], JSON.parse(text ?? 'null').value);
      }
      return keep(all).size;
    };
  },
};

/** Values that stay in memory until it is measured. @type {unknown[]} */
const kept = [];
/** @template T @param {T} value */
function keep(value) {
  kept.push(value);
  return value;
}

const open = await contenders[contender]?.();
globalThis.gc?.();
const empty = process.memoryUsage.rss();
// The first turns of a process compile code of its own.
await new Promise((resolve) => setTimeout(resolve, 50));
const meter = new BlockMeter();
await new Promise((resolve) => setImmediate(resolve));
meter.restart();
const began = performance.now();
const opened = await open?.();
const ms = performance.now() - began;
await new Promise((resolve) => setTimeout(resolve, 5));
const block = meter.stop();
globalThis.gc?.();
globalThis.gc?.();
await new Promise((resolve) => setTimeout(resolve, 200));
const work = meter.longestWork;
process.send?.({ ms, block, work, memory: process.memoryUsage.rss() - empty, opened }, () => process.exit());
