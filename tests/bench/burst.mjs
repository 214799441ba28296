// 200,000 appends fired at once, until the last one is acknowledged.
import { Redis } from 'ioredis';
import { Memory } from 'synced-memory';
import { grouped, median, table, verdict } from './report.mjs';

const count = 200_000;
const rounds = 5;

/**
 * @param {string} url
 * @param {import('./contenders.mjs').NodeRedis} client without a command timeout
 */
export async function burst(url, client) {
  /** @type {import('synced-memory').Memory<{ burst: number[] }>} */
  const mem = await Memory.open({ url, names: ['burst'] });
  const ioredis = new Redis(url, { enableAutoPipelining: true });

  /** @type {{ name: string, push: () => Promise<unknown>, length: () => Promise<number>, rates: number[] }[]} */
  const runs = [
    {
      name: 'synced-memory push, then $flush',
      push() {
        const list = mem.burst;
        for (let n = 0; n < count; n++) list.push(n);
        return mem.$flush();
      },
      length: async () => JSON.parse((await client.get('memory:burst')) ?? '').value.length,
      rates: [],
    },
    {
      name: 'ioredis RPUSH, auto-pipelining',
      push: () => Promise.all(Array.from({ length: count }, (_, n) => ioredis.rpush('burst', n))),
      length: () => client.lLen('burst'),
      rates: [],
    },
    {
      name: 'node-redis RPUSH, no command timeout',
      push: () => Promise.all(Array.from({ length: count }, (_, n) => client.rPush('burst', String(n)))),
      length: () => client.lLen('burst'),
      rates: [],
    },
  ];
  for (let round = -1; round < rounds; round++) {
    for (const { name, push, length, rates } of runs) {
      mem.burst = [];
      await mem.$flush();
      await client.del('burst');
      const start = performance.now();
      await push();
      const seconds = (performance.now() - start) / 1000;
      if ((await length()) !== count) throw new Error(`${name}: the server has ${await length()} of ${count}`);
      // The first round warms up.
      if (round >= 0) rates.push(count / seconds);
    }
  }
  await mem.$close();
  ioredis.disconnect();

  const rate = (/** @type {number} */ index) => median(runs[index]?.rates ?? []);
  table(`${grouped(count)} pushes fired at once, acknowledged pushes per second (median of ${rounds})`, [
    ...runs.map(({ name }, index) => [name, grouped(rate(index))]),
  ]);
  verdict('beside ioredis', `${(rate(0) / rate(1)).toFixed(1)} ×`, 'at least 3 ×', rate(0) >= 3 * rate(1));
  console.log(`         beside node-redis: ${(rate(0) / rate(2)).toFixed(1)} ×`);
}
