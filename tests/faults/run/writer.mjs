// One writer of a fault run: `writer.mjs URL SEED WRITER LIFE COUNT`. Prints `acknowledged N`, `done`, and on a line of
// input the state as it sees it; ends with its input.
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { Memory } from 'synced-memory';
import { randomNumbers } from './random.mjs';
import { operations } from './workload.mjs';

const [url = '', ...numbers] = process.argv.slice(2);
const [seed = 0, writer = 0, life = 0, count = 0] = numbers.map(Number);
const random = randomNumbers(seed ^ (writer * 7919 + life));

/** @type {import('synced-memory').Memory<import('./workload.mjs').State>} */
const mem = await Memory.open({ url, defaults: { log: [], bag: [], counts: {} }, onError: () => {} });
mem.$on('conflict', (conflict) => console.log(`conflict ${JSON.stringify(conflict)}`));
// Before the memory knows that the server evicts nothing, the outcome of a first commit may stay unknown.
await mem.$sync();

for (const { kind, item, number } of operations(seed, writer, life, count)) {
  if (kind === 'push') mem.log.push(item);
  else if (kind === 'insert') mem.bag.splice(random(mem.bag.length + 1), 0, item);
  else if (kind === 'remove') {
    const index = mem.bag.indexOf(item);
    if (index < 0) throw new Error(`${item} has vanished from the bag`);
    mem.bag.splice(index, 1);
  } else if (kind === 'count') mem.counts[writer] = item;
  else mem[`own${writer}`] = { item, filler: 'x'.repeat(random(300)) };
  if (random(8) === 0) await setTimeout(random(5));
  if (random(40) === 0) {
    await mem.$flush();
    console.log(`acknowledged ${number}`);
  }
}
await mem.$flush();
console.log(`acknowledged ${count}\ndone`);

for await (const _ of createInterface({ input: process.stdin })) {
  await mem.$sync();
  const { log, bag, counts } = mem;
  const own = Object.keys(mem).filter((name) => name.startsWith('own'));
  console.log(
    `state ${JSON.stringify({ log, bag, counts, ...Object.fromEntries(own.map((name) => [name, mem[name]])) })}`,
  );
}
await mem.$close();
