// One memory over the nodes of a cluster: slots that move, nodes that go away.
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Cluster, pause } from './cluster.js';

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

test('attributes are on all nodes, and two memories share them', async () => {
  const one = await Memory.open(cluster.url);
  one.probe = 1;
  await one.$flush();
  expect(one.$status.capabilities).toEqual({ topology: 'cluster', resp: 3, deltas: true, changes: 'broadcast' });
  await expect(one.$flush({ replicas: 1 })).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
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

test('a slot moves in the middle of pushes, there and back: each is there exactly once, in order', async () => {
  const codes: string[] = [];
  const mem = await Memory.open({ url: cluster.url, onError: ({ message }) => codes.push(message) });
  const name = await nameOn(0);
  mem[name] = [];
  await mem.$flush();
  let next = 0;
  const timer = setInterval(() => {
    for (let n = 0; n < 5; n++) mem[name].push(next++);
  }, 1);
  const slot = String(await cluster.slot(`memory:${name}`));
  const [first, second] = cluster.nodes;
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    for (;;) {
      const keys = (await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, '100')) as string[];
      if (keys.length === 0) break;
      await from.ask('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
    }
    // All of the slot's keys are there, the slot is not: pushes go there by ASK.
    const acked = mem.$lastModified(name) as bigint;
    while ((mem.$lastModified(name) as bigint) === acked) await pause();
    await to.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    await from.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    await pause();
  }
  clearInterval(timer);
  await mem.$flush();
  const other = await Memory.open(cluster.url);
  expect([...other[name]]).toEqual(upTo(next));
  expect([...mem[name]]).toEqual(upTo(next));
  await Promise.all([mem.$close(), other.$close()]);
});

test('a node is killed: the others go on, its mutations wait and land when it is back', async () => {
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
  while (!(await stored()).includes('while it is away')) await pause();
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
