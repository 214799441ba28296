// The cost of one mutation while many attributes or batches are pending, compared with few.
import { Memory } from 'synced-memory';
import { grouped, median, table, verdict } from './report.mjs';

const rounds = 3;
/** The small count. It is measured more often, so that both counts do the same amount of work. */
const few = 1_000;

/** @typedef {import('synced-memory').Memory<Record<string, { n: number }>>} Counters */

/** @type {{ name: string, many: number, attributes: (count: number) => number, mutate: (mem: Counters, n: number) => unknown }[]} */
const crowds = [
  {
    name: 'attributes made',
    many: 50_000,
    attributes: () => 0,
    mutate: (mem, n) => {
      mem[`new${n}`] = { n };
    },
  },
  {
    name: 'attributes mutated',
    many: 50_000,
    attributes: (count) => count,
    mutate: (mem, n) => {
      /** @type {{ n: number }} */ (mem[`a${n}`]).n++;
    },
  },
  {
    name: 'batches over two of 200 attributes',
    many: 10_000,
    attributes: () => 200,
    mutate: (mem, n) =>
      mem.$batch(() => {
        for (const at of [n % 100, 100 + (n % 100)]) /** @type {{ n: number }} */ (mem[`a${at}`]).n++;
      }),
  },
  {
    name: 'attributes made, with a lifetime',
    many: 20_000,
    attributes: () => 0,
    mutate: (mem, n) => {
      mem[`new${n}`] = { n };
      return mem.$expire(`new${n}`, 60);
    },
  },
  {
    name: 'updates',
    many: 10_000,
    attributes: (count) => count,
    mutate: (mem, n) =>
      mem.$update(`a${n}`, (value) => {
        /** @type {{ n: number }} */ (value).n++;
      }),
  },
];

/** @param {string} url @param {import('./node-redis.mjs').NodeRedis} client */
export async function manyPending(url, client) {
  const rows = [['', grouped(few), 'many', 'ratio']];
  const ratios = [];
  for (const { name, many, attributes, mutate } of crowds) {
    const cost = async (/** @type {number} */ count) => {
      const costs = [];
      for (let spent = 0; spent < many * rounds; spent += count) {
        await client.flushAll();
        /** @type {Counters} */
        const mem = await Memory.open({ url });
        for (let n = 0; n < attributes(count); n++) mem[`a${n}`] = { n: 0 };
        await mem.$flush();
        const start = performance.now();
        await Promise.all(Array.from({ length: count }, (_, n) => mutate(mem, n)));
        await mem.$flush();
        costs.push(((performance.now() - start) / count) * 1000);
        await mem.$close();
      }
      return median(costs);
    };
    const [one, other] = [await cost(few), await cost(many)];
    ratios.push(other / one);
    rows.push([`${name}, ${grouped(many)}`, one.toFixed(1), other.toFixed(1), `${(other / one).toFixed(2)} ×`]);
  }
  await client.flushAll();
  table('Many pending at once, µs each until acknowledged (median)', rows);
  const worst = Math.max(...ratios);
  verdict('many beside few', `${worst.toFixed(2)} ×`, 'at most 3 ×', worst <= 3);
}
