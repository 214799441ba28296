import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { once } from './redis.js';
import { FaultProxy } from './run/proxy.mjs';

const WRITERS = 3;
const IDS_EACH = 150;
const ids = Array.from({ length: WRITERS * IDS_EACH }, (_, id) => id);

describe('side keys that are evicted', () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  beforeAll(async () => {
    server = await startRedisServer(['--maxmemory-policy', 'volatile-lru']);
  });
  afterAll(() => server.stop());

  test('ids pushed once each are stored once, or their outcome is reported as unknown', async () => {
    const admin = await createClient({ url: server.url }).connect();
    const witness = await Memory.open<{ list: number[] }>({ url: server.url });
    witness.list = [];
    await witness.$flush();
    const unknown = new Set<number>();
    let isDone = false;

    const write = async (writer: number): Promise<void> => {
      const proxy = await new FaultProxy(server.port).listen();
      const mem = await Memory.open<{ list: number[] }>({ url: `redis://127.0.0.1:${proxy.port}`, onError: () => {} });
      for (const id of ids.slice(writer * IDS_EACH, (writer + 1) * IDS_EACH)) {
        const isLost = id % 3 === 0;
        proxy.swallow.replies = isLost;
        // Every other id is inserted, by a commit with a guard.
        if (id % 2 === 0) mem.list.push(id);
        else mem.list.unshift(id);
        const flushed = mem.$flush().catch((error: SyncedMemoryError) => {
          expect(error.code).toBe('ERR_OUTCOME_UNKNOWN');
          unknown.add(id);
        });
        if (isLost) {
          await mem.$flush({ timeout: 1 + (id % 9) }).catch(() => {});
          proxy.reset();
          proxy.swallow.replies = false;
        }
        await flushed;
      }
      await mem.$close();
      await proxy.close();
    };
    const evict = async (): Promise<void> => {
      while (!isDone) {
        for await (const keys of admin.scanIterator({ MATCH: 'sm:{memory:list}:*', COUNT: 1000 })) {
          const found = [keys].flat();
          if (found.length > 0) await admin.del(found);
        }
      }
    };
    const evicting = evict();
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    isDone = true;
    await evicting;

    await witness.$sync();
    const counts = new Map<number, number>();
    for (const id of witness.list) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect(ids.filter((id) => (counts.get(id) ?? 0) > 1)).toEqual([]);
    expect(ids.filter((id) => !counts.has(id) && !unknown.has(id))).toEqual([]);
    expect(unknown.size).toBeLessThan(ids.length / 2);
    await witness.$close();
    admin.destroy();
  }, 60_000);

  test('a policy that evicts side keys raises a warning', async () => {
    const mem = await Memory.open({ url: server.url });
    const warning = await once<SyncedMemoryError>((listener) => mem.$on('warning', listener));
    expect(warning).toMatchObject({ code: 'ERR_EVICTION', message: expect.stringContaining('noeviction') });
    await mem.$close();
  });

  test('a user who may not read the policy is not warned, and not refused', async () => {
    const admin = await createClient({ url: server.url }).connect();
    await admin.sendCommand(['ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-info', '-config']);
    const mem = await Memory.open<{ x: number }>({ url: server.url.replace('//', '//app:secret@') });
    const events: string[] = [];
    for (const event of ['warning', 'error'] as const) mem.$on(event, () => events.push(event));
    mem.x = 1;
    await mem.$flush();
    await mem.$sync();
    expect(events).toEqual([]);
    await mem.$close();
    admin.destroy();
  });
});

test('a master that comes back from an old snapshot is a regression, although others have gone on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-snapshot-'));
  let server = await startRedisServer(['--dir', folder]);
  const { port } = server;
  const proxy = await new FaultProxy(port).listen();
  type Orders = { orders: string[]; other: number };
  const mem = await Memory.open<Orders>({ url: `redis://127.0.0.1:${proxy.port}` });
  mem.orders = ['first'];
  mem.other = 1;
  await mem.$flush();
  const admin = await createClient({ url: server.url }).connect();
  await admin.sendCommand(['SAVE']);
  admin.destroy();
  copyFileSync(join(folder, 'dump.rdb'), join(folder, 'old.rdb'));
  mem.orders.push('acknowledged');
  await mem.$flush();
  const acknowledged = mem.$lastModified('orders');

  const regressions: unknown[] = [];
  mem.$on('regression', (regression) => regressions.push(regression));
  proxy.refuse = true;
  proxy.reset();
  await server.stop();
  copyFileSync(join(folder, 'old.rdb'), join(folder, 'dump.rdb'));
  server = await startRedisServer(['--dir', folder, '--port', String(port)]);
  const other = await Memory.open<Orders>({ url: `redis://127.0.0.1:${port}` });
  expect(other.orders).toEqual(['first']);
  other.orders.push('of another process');
  await other.$flush();
  mem.orders.push('pending');
  proxy.refuse = false;
  await mem.$flush();
  await mem.$sync();
  expect(mem.orders).toEqual(['first', 'of another process', 'pending']);
  await vi.waitFor(() => expect(regressions).toHaveLength(1));
  expect(regressions).toEqual([{ name: 'orders', previous: acknowledged, revision: expect.any(BigInt) }]);
  await Promise.all([mem.$close(), other.$close()]);
  await Promise.all([proxy.close(), server.stop()]);
  rmSync(folder, { recursive: true, force: true });
}, 30_000);
