// One memory over the nodes of a cluster: slots that move, nodes that go away.
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Cluster } from './cluster.mjs';
import { until } from './until.mjs';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  const mem = await Memory.open(cluster.url);
  for (const name of Object.keys(mem)) delete mem[name];
  await mem.$close();
});

const upTo = (length: number) => Array.from({ length }, (_, n) => n);

/** A name whose attribute is on the node of this index. */
async function nameOn(index: number): Promise<string> {
  for (let n = 0; ; n++) {
    const slot = await cluster.slot(`memory:on${n}`);
    if (cluster.owner(slot) === cluster.nodes[index]) return `on${n}`;
  }
}

test('attributes are spread over all nodes, and two memories share them', async () => {
  const one = await Memory.open(cluster.url);
  one.probe = 1;
  await one.$flush();
  expect(one.$status.capabilities).toEqual({ topology: 'cluster', resp: 3, deltas: true, changes: 'broadcast' });
  await expect(one.$flush({ replicas: 1, timeout: 300 })).rejects.toMatchObject({ code: 'ERR_REPLICAS' });
  delete one.probe;
  // One node is enough to find the others.
  const other = await Memory.open(`redis+cluster://127.0.0.1:${cluster.nodes[1].port}/0`);
  expect(one.$status).toMatchObject({ state: 'connected', backend: 'redis' });
  for (const n of upTo(300)) one[`a${n}`] = [n];
  await one.$flush();
  for (const node of cluster.nodes) expect(Number(await node.ask('DBSIZE'))).toBeGreaterThan(100);
  await other.$sync();
  expect(Object.keys(other)).toHaveLength(300);
  for (const n of upTo(300)) {
    one[`a${n}`].push('one');
    other[`a${n}`].push('other');
  }
  await Promise.all([one.$flush(), other.$flush()]);
  await Promise.all([one.$sync(), other.$sync()]);
  for (const n of upTo(300)) {
    expect(one[`a${n}`]).toEqual(other[`a${n}`]);
    expect([...one[`a${n}`]].sort()).toEqual([n, 'one', 'other']);
  }
  await Promise.all([one.$close(), other.$close()]);
});

test('a slot moves there and back during pushes: each is stored exactly once, in order', async () => {
  const mem = await Memory.open({ url: cluster.url, onError: () => {} });
  const name = await nameOn(0);
  mem[name] = [];
  await mem.$flush();
  const reader = await Memory.open({ url: `${cluster.url}/0`, names: [name] });
  let next = 0;
  const timer = setInterval(() => {
    for (let n = 0; n < 5; n++) mem[name].push(next++);
  }, 1);
  const slot = await cluster.slot(`memory:${name}`);
  const [first, second] = cluster.nodes;
  const acknowledged = () =>
    new Promise<void>((resolve) => {
      const off = mem.$on('ack', () => {
        off();
        resolve();
      });
    });
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    // While the slot's keys have moved and the slot has not, reads go there by ASK. Pushes wait: the server refuses commands
    // of which one key does not exist.
    await cluster.moveSlot(slot, from, to, () => reader.$sync());
    await acknowledged();
  }
  clearInterval(timer);
  await mem.$flush();
  const other = await Memory.open(cluster.url);
  expect([...other[name]]).toEqual(upTo(next));
  expect([...mem[name]]).toEqual(upTo(next));
  await Promise.all([mem.$close(), other.$close(), reader.$close()]);
});

test('a node is killed: mutations of its attributes wait until it is back, others continue', async () => {
  const mem = await Memory.open({ url: cluster.url, onError: () => {} });
  const [lost, kept] = [await nameOn(2), await nameOn(0)];
  Object.assign(mem, { [lost]: [], [kept]: [] });
  await mem.$flush();
  for (const n of upTo(1000)) {
    mem[lost].push(n);
    mem[kept].push(n);
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (n === 500) await cluster.nodes[2].kill();
  }
  const before = mem.$lastModified(lost);
  mem[kept].push('while it is away');
  const stored = async () => String(await cluster.nodes[0].ask('GET', `memory:${kept}`));
  await until('the other node has the push', async () => (await stored()).includes('while it is away'));
  expect(mem.$status.state).toBe('connected');
  await expect(mem.$flush({ timeout: 100 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  expect(mem.$lastModified(lost)).toBe(before);
  await cluster.nodes[2].start();
  await mem.$flush();
  await cluster.agreed();
  const other = await Memory.open(cluster.url);
  expect([...other[lost]]).toEqual(upTo(1000));
  expect([...other[kept]]).toEqual([...upTo(1000), 'while it is away']);
  await Promise.all([mem.$close(), other.$close()]);
});
