// The backends of a run, with the faults of each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';
import { FaultProxy } from '../faults/run/proxy.mjs';
import { Cluster } from '../servers/cluster.mjs';

/** @typedef {(below: number) => number} Random */
/** A fault that ends by itself. @typedef {{ name: string, inflict(): Promise<void> }} Fault */

/**
 * `url` is for the processes under test, `quietUrl` reaches the backend beside all faults. With `isInProcess`, only the memories of
 * one process share it.
 * @typedef {{ url: string, quietUrl: string, faults: Fault[], isInProcess: boolean, stop(): Promise<void> }} Backend
 */

/** @type {Record<string, (random: Random) => Promise<Backend>>} */
export const backends = { redis, cluster, file, memory };

/** One server, which has every acknowledged write on disk, behind a proxy. @param {Random} random */
async function redis(random) {
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-histories-'));
  const port = await freePort();
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder, '--port', String(port)];
  const start = () => startRedisServer(durable);
  let server = await start();
  const proxy = await new FaultProxy(port).listen();
  return {
    url: `redis://127.0.0.1:${proxy.port}`,
    quietUrl: `redis://127.0.0.1:${port}`,
    isInProcess: false,
    faults: [
      { name: 'connections reset', inflict: async () => proxy.reset() },
      { name: 'requests lost', inflict: () => swallow(proxy, 'requests', random) },
      { name: 'replies lost', inflict: () => swallow(proxy, 'replies', random) },
      {
        name: 'connections slow',
        async inflict() {
          proxy.latency = 1 + random(20);
          await setTimeout(random(300));
          proxy.latency = 0;
        },
      },
      {
        name: 'server stopped for a while',
        async inflict() {
          server.signal('SIGSTOP');
          await setTimeout(random(500));
          server.signal('SIGCONT');
        },
      },
      {
        name: 'server killed',
        async inflict() {
          await server.stop();
          await setTimeout(random(200));
          server = await start();
        },
      },
    ],
    async stop() {
      await proxy.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Drops bytes for a while, and then the connections that lack them. @param {FaultProxy} proxy @param {'requests' | 'replies'} what @param {Random} random */
async function swallow(proxy, what, random) {
  proxy.swallow[what] = true;
  await setTimeout(random(200));
  proxy.reset();
  proxy.swallow[what] = false;
}

/** Three masters, which have every acknowledged write on disk. @param {Random} random */
async function cluster(random) {
  const servers = await Cluster.start();
  const slot = await servers.slot('{checker}:');
  let owner = servers.owner(slot);
  const pick = () => /** @type {typeof owner} */ (servers.nodes[random(servers.nodes.length)]);
  return {
    url: servers.url,
    quietUrl: servers.url,
    isInProcess: false,
    faults: [
      {
        name: 'connections killed',
        async inflict() {
          const type = random(3) === 0 ? 'pubsub' : 'normal';
          await pick().ask('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
        },
      },
      {
        name: 'slot moved',
        async inflict() {
          const target = pick();
          if (target === owner) return;
          await servers.moveSlot(slot, owner, target);
          owner = target;
        },
      },
      {
        name: 'node stopped for a while',
        async inflict() {
          const node = pick();
          node.signal('SIGSTOP');
          await setTimeout(random(500));
          node.signal('SIGCONT');
        },
      },
      {
        name: 'node killed',
        async inflict() {
          const node = pick();
          await node.kill();
          await setTimeout(random(200));
          await node.start();
          await servers.agreed();
        },
      },
    ],
    stop: () => servers.stop(),
  };
}

/** The embedded file: nothing but its writers can fail. */
async function file() {
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-histories-'));
  const url = `file:${join(folder, 'memory.db')}`;
  const stop = async () => rmSync(folder, { recursive: true, force: true });
  return { url, quietUrl: url, isInProcess: false, faults: [], stop };
}

/** The backend in the process, for several memories of one process. */
async function memory() {
  return { url: 'memory://histories', quietUrl: '', isInProcess: true, faults: [], stop: async () => {} };
}
