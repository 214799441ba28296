// `taker.mjs URL WORKERS METHOD` takes elements of `queue`, one after another, from when all workers are there until the queue is
// empty, and sends the elements to the process that started it. METHOD is `$shift`, `shift` (of the list) or `$update`.
import { Memory } from 'synced-memory';

const [url, workers, method] = process.argv.slice(2);
const mem = await Memory.open({ url, names: ['queue', 'ready'], defaults: { ready: [] } });
mem.ready.push(process.pid);
await mem.$flush();
while (mem.ready.length < Number(workers)) await new Promise((resolve) => setTimeout(resolve, 5));

/** Takes one element. */
const take = {
  $shift: () => mem.$shift('queue'),
  async shift() {
    const element = mem.queue.shift();
    await mem.$flush();
    return element;
  },
  async $update() {
    let element;
    await mem.$update('queue', (queue) => {
      element = queue.shift();
    });
    return element;
  },
}[method];

const taken = [];
for (let element = await take(); element !== undefined; element = await take()) {
  taken.push(element);
  // The work on an element. A process that never waits keeps its core and the lock of an embedded file from the others.
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await mem.$close();
process.send?.(taken);
