// A snapshot after one change in a hundred thousand elements, beside valtio's.
import { Memory } from 'synced-memory';
import { proxy, snapshot } from 'valtio/vanilla';
import { grouped, median, table, verdict } from './report.mjs';

const rounds = 60;

export async function snapshots() {
  const elements = () => Array.from({ length: 100_000 }, (_, n) => ({ n, tags: ['a', 'b'] }));
  /** @type {import('synced-memory').Memory<{ list: { n: number }[] }>} */
  const mem = await Memory.open('memory:');
  mem.list = elements();
  await mem.$flush();
  const state = proxy({ list: elements() });
  const contenders = [
    {
      name: 'synced-memory $snapshot',
      list: mem.list,
      take: () => mem.$snapshot(),
      samples: /** @type {number[]} */ ([]),
    },
    { name: 'valtio snapshot', list: state.list, take: () => snapshot(state), samples: /** @type {number[]} */ ([]) },
  ];
  for (let round = -5; round < rounds; round++) {
    for (const { list, take, samples } of contenders) {
      const element = /** @type {{ n: number }} */ (list[(round + 5) * 1_000]);
      const start = performance.now();
      element.n = -round - 1_000;
      take();
      if (round >= 0) samples.push((performance.now() - start) * 1000);
    }
  }
  await mem.$close();
  const [ours, theirs] = contenders.map(({ samples }) => median(samples));
  table(
    'One change in 100,000 elements and a snapshot of all, median in µs',
    contenders.map(({ name, samples }) => [name, grouped(median(samples))]),
  );
  const ratio = Number(ours) / Number(theirs);
  verdict('beside valtio', `${ratio.toFixed(3)} ×`, 'at most 1 ×', ratio <= 1);
}
