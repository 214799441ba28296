import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onOtherServer } from '../servers/backends.js';
import { FaultProxy } from './run/proxy.mjs';

let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

/** A memory behind a fault proxy, and one that reads what is stored. */
async function pair(name: string) {
  const proxy = await new FaultProxy(server.port).listen();
  const open = (port: number) =>
    Memory.open<{ list: number[] }>({ url: `redis://127.0.0.1:${port}`, prefix: `memory:${name}:` });
  const [mem, witness] = [await open(proxy.port), await open(server.port)];
  const events: string[] = [];
  for (const event of ['connect', 'disconnect'] as const) mem.$on(event, () => events.push(event));
  mem.list = [0];
  await mem.$flush();
  return {
    proxy,
    mem,
    events,
    async stored() {
      await witness.$sync();
      return [...witness.list];
    },
    async end() {
      await mem.$close();
      await witness.$close();
      await proxy.close();
    },
  };
}

describe.concurrent('faults of the network', () => {
  test.each(['requests', 'replies'] as const)('%s are lost, then the connection', async (what) => {
    const { proxy, mem, events, stored, end } = await pair(what);
    proxy.swallow[what] = true;
    mem.list.push(1);
    mem.list.unshift(-1);
    const flushed = mem.$flush();
    await expect(mem.$flush({ timeout: 100 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(mem.$status.pending).toBe(2);
    proxy.reset();
    proxy.swallow[what] = false;
    await flushed;
    expect(await stored()).toEqual([-1, 0, 1]);
    expect(mem.list).toEqual([-1, 0, 1]);
    await vi.waitFor(() => expect(events.slice(0, 2)).toEqual(['disconnect', 'connect']));
    await end();
  });

  test.skipIf(onOtherServer)(
    'a silent network: the connection is abandoned when no reply comes',
    async () => {
      const { proxy, mem, events, stored, end } = await pair('half-open');
      Object.assign(proxy.swallow, { requests: true, replies: true });
      mem.list.push(1);
      const flushed = mem.$flush();
      // Later connections work; this one stays silent.
      proxy.forget();
      await flushed;
      await vi.waitFor(() => expect(events).toEqual(['disconnect', 'connect']));
      expect(await stored()).toEqual([0, 1]);
      await end();
    },
    40_000,
  );

  test('replies that end early', async () => {
    const { proxy, mem, stored, end } = await pair('middle');
    for (let n = 1; n <= 20; n++) {
      const cut = proxy.cutRepliesAt(n * 3);
      mem.list.push(n);
      await cut;
      await mem.$flush();
    }
    expect(await stored()).toEqual(Array.from({ length: 21 }, (_, n) => n));
    await end();
  });

  test('slow, narrow, and byte by byte', async () => {
    const { proxy, mem, events, stored, end } = await pair('slow');
    Object.assign(proxy, { latency: 30, fragment: true });
    for (let n = 1; n <= 50; n++) mem.list.push(n);
    await mem.$flush();
    Object.assign(proxy, { latency: 0, fragment: false, bandwidth: 20 });
    mem.list.splice(0, 51, ...Array.from({ length: 1000 }, (_, n) => n));
    await mem.$flush();
    expect(await stored()).toHaveLength(1000);
    expect(events).toEqual([]);
    await end();
  });

  test('connections are refused for a while', async () => {
    const { proxy, mem, stored, end } = await pair('refused');
    proxy.refuse = true;
    proxy.reset();
    mem.list.push(1);
    await expect(mem.$flush({ timeout: 200 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(mem.$status).toMatchObject({ state: 'disconnected', pending: 1, lastError: { code: 'ERR_UNREACHABLE' } });
    mem.list.push(2);
    proxy.refuse = false;
    await mem.$flush();
    expect(await stored()).toEqual([0, 1, 2]);
    await end();
  });
});
