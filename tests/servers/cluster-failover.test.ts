// A cluster whose masters are replaced, lose their data, or are away for a while.
import { createServer } from 'node:net';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { expect, onTestFinished, test } from 'vitest';
import { Cluster, type Node } from './cluster.mjs';
import { until } from './until.mjs';

async function started(replicas = 0): Promise<Cluster> {
  const cluster = await Cluster.start({ replicas });
  onTestFinished(() => cluster.stop());
  return cluster;
}

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

/** A name from `first` on whose attribute is on the master of this index. */
async function nameOn(cluster: Cluster, index: number, first = 0): Promise<string> {
  for (let n = first; ; n++) {
    if (cluster.owner(await cluster.slot(`memory:on${n}`)) === cluster.nodes[index]) return `on${n}`;
  }
}

/** Pushes numbers to two lists until stopped, and returns their count. */
function pushing(mem: Memory, names: readonly string[]): () => number {
  let next = 0;
  const timer = setInterval(() => {
    for (const name of names) mem[name].push(next);
    next++;
  }, 1);
  return () => {
    clearInterval(timer);
    return next;
  };
}

async function opened(cluster: Cluster, index: number) {
  const mem = await Memory.open({ url: cluster.url, onError: () => {} });
  const [name, elsewhere] = [await nameOn(cluster, index), await nameOn(cluster, (index + 1) % 3)];
  Object.assign(mem, { [name]: [], [elsewhere]: [] });
  await mem.$flush();
  return { mem, name, elsewhere };
}

/** Makes a replica the master. A server gives up a planned fail-over after five seconds; then it is asked again. */
async function failOver(replica: Node): Promise<void> {
  let askedAt = Number.NEGATIVE_INFINITY;
  await until('the replica is the master', async () => {
    if (performance.now() - askedAt > 6_000) {
      askedAt = performance.now();
      await replica.ask('CLUSTER', 'FAILOVER');
    }
    return isMaster(replica)();
  });
}

const isMaster = (node: Node) => async () => String(await node.ask('ROLE')).startsWith('master');

test('a planned fail-over to a replica during pushes: each is stored exactly once, in order', async () => {
  const cluster = await started(1);
  const { mem, name, elsewhere } = await opened(cluster, 0);
  const [replica] = cluster.replicas as [Node];
  const stop = pushing(mem, [name, elsewhere]);
  await until('a few pushes', () => mem[name].length > 100);
  await failOver(replica);
  const before = mem[name].length;
  await until('a few more pushes', () => mem[name].length > before + 100);
  const count = stop();
  await mem.$flush();
  // The old master is a replica now, so the new one has it all.
  const other = await Memory.open(`redis+cluster://127.0.0.1:${replica.port}`);
  for (const each of [name, elsewhere]) {
    expect([...other[each]]).toEqual(numbers(count));
    expect([...mem[each]]).toEqual(numbers(count));
  }
  await Promise.all([mem.$close(), other.$close()]);
});

test('a master is killed during pushes and its replica takes over: no duplicates, order is kept, later pushes are stored', async () => {
  const cluster = await started(1);
  const { mem, name, elsewhere } = await opened(cluster, 0);
  const [replica] = cluster.replicas as [Node];
  const stop = pushing(mem, [name, elsewhere]);
  await until('a few pushes', () => mem[name].length > 100);
  await cluster.nodes[0].kill();
  await until('the replica is the master', isMaster(replica));
  const later = stop();
  for (let n = later; n < later + 100; n++) mem[name].push(n);
  await mem.$flush();
  expect(mem.$status.state).toBe('connected');
  const other = await Memory.open(`redis+cluster://127.0.0.1:${replica.port}`);
  const stored = [...other[name]] as number[];
  // Replication is asynchronous, so the last acknowledged pushes may be lost with the old master.
  expect(stored).toEqual([...new Set(stored)].sort((one, two) => one - two));
  expect(stored.slice(-100)).toEqual(Array.from({ length: 100 }, (_, n) => later + n));
  expect([...mem[name]]).toEqual(stored);
  expect([...other[elsewhere]]).toEqual(numbers(later));
  await Promise.all([mem.$close(), other.$close()]);
});

test('slots of several attributes move while two memories push: each push is stored exactly once', async () => {
  const cluster = await started();
  const [one, two] = [await Memory.open(cluster.url), await Memory.open(cluster.url.replace('redis+', 'REDIS+'))];
  const names = numbers(6).map((n) => `moved${n}`);
  for (const name of names) one[name] = [];
  await one.$flush();
  await two.$sync();
  let count = 0;
  const timer = setInterval(() => {
    for (const name of names) {
      one[name].push(`one ${count}`);
      two[name].push(`two ${count}`);
    }
    count++;
  }, 1);
  for (const name of names) {
    const slot = await cluster.slot(`memory:${name}`);
    const from = cluster.owner(slot);
    const to = cluster.nodes[(cluster.nodes.indexOf(from) + 1) % 3] as Node;
    await cluster.moveSlot(slot, from, to);
  }
  clearInterval(timer);
  await Promise.all([one.$flush(), two.$flush()]);
  await Promise.all([one.$sync(), two.$sync()]);
  for (const name of names) {
    expect([...one[name]]).toEqual([...two[name]]);
    for (const writer of ['one', 'two']) {
      const own = one[name].filter((item: string) => item.startsWith(writer));
      expect(own).toEqual(numbers(count).map((n) => `${writer} ${n}`));
    }
  }
  await Promise.all([one.$close(), two.$close()]);
});

test('a node comes back empty: pending mutations create their attribute again, other attributes are taken for deleted', async () => {
  const cluster = await started();
  const { mem, name, elsewhere } = await opened(cluster, 1);
  const deleted = await nameOn(cluster, 1, 1000);
  mem[name] = [1];
  mem[deleted] = [1];
  mem[elsewhere] = [1];
  await mem.$flush();
  const regressions: string[] = [];
  mem.$on('regression', (regression) => regressions.push(regression.name));
  const [, node] = cluster.nodes;
  await node.kill();
  mem[name].push(2);
  mem[elsewhere].push(2);
  node.loseData();
  await node.start();
  await mem.$flush();
  await mem.$sync();
  expect(mem[name]).toEqual([1, 2]);
  expect(mem[elsewhere]).toEqual([1, 2]);
  expect(deleted in mem).toBe(false);
  await cluster.agreed();
  const other = await Memory.open(cluster.url);
  expect(JSON.stringify(other[name])).toBe('[1,2]');
  expect(JSON.stringify(other[elsewhere])).toBe('[1,2]');
  await Promise.all([mem.$close(), other.$close()]);
});

test('a name with a } and no hash tag is refused, other names go on', async () => {
  const cluster = await started();
  const mem = await Memory.open({ url: cluster.url, onError: () => {} });
  mem['odd}name'] = 1;
  mem['{odd}name'] = 2;
  mem['odd{name'] = 3;
  await expect(mem.$flush()).rejects.toMatchObject({
    code: 'ERR_CROSS_SLOT',
    message: expect.stringContaining('{app}'),
  });
  await mem.$flush();
  const other = await Memory.open(cluster.url);
  expect(Object.keys(other).sort()).toEqual(['odd{name', '{odd}name']);
  await Promise.all([mem.$close(), other.$close()]);
});

/** Seconds for which a node is away. `npm run test:cluster` takes 60. */
const AWAY = Number(process.env.SYNCED_MEMORY_AWAY_SECONDS ?? 5);
/** The most new connections of one process in a minute: 0.2 a second. */
const MOST = 12;

test('few connections are made while one of three nodes is away', async () => {
  const cluster = await started();
  const { mem, name, elsewhere } = await opened(cluster, 2);
  const lost = cluster.nodes[2];
  const clients = await Promise.all(
    cluster.nodes.slice(0, 2).map((node) => createClient({ url: `redis://127.0.0.1:${node.port}` }).connect()),
  );
  const received = async () => {
    const counts = clients.map(async (client) => /connections_received:(\d+)/.exec(await client.info('stats'))?.[1]);
    return (await Promise.all(counts)).reduce((sum, count) => sum + Number(count), 0);
  };
  await lost.kill();
  let attempts = 0;
  const listener = createServer((socket) => {
    attempts++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(lost.port, '127.0.0.1', resolve));
  const before = await received();
  mem[name].push(1);
  const end = performance.now() + AWAY * 1000;
  for (let n = 0; performance.now() < end; n++) {
    mem[elsewhere].push(n);
    await mem.$flush({ timeout: 50 }).catch(() => {});
  }
  const made = attempts + (await received()) - before;
  console.log(`one node away for ${AWAY} s: ${made} new connections, ${(made / AWAY).toFixed(2)} a second`);
  expect(made).toBeGreaterThan(0);
  expect(made).toBeLessThanOrEqual(MOST);
  for (const client of clients) client.destroy();
  await new Promise((resolve) => listener.close(resolve));
  await lost.start();
  await mem.$flush();
  await mem.$close();
}, 180_000);
