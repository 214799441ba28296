// Opening a memory whose server is away, and reading what is unknown.
import { once as event } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createClient } from 'redis';
import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';
import { Node } from '../servers/cluster.mjs';
import { DurableRedis, once } from './redis.js';
import { FaultProxy } from './run/proxy.mjs';

const notLoaded = expect.objectContaining({ code: 'ERR_NOT_LOADED' });

describe('a server that is away for a while', () => {
  let redis: DurableRedis;
  beforeAll(async () => {
    redis = await DurableRedis.prepare();
    await redis.start();
    const mem = await Memory.open(redis.url);
    Object.assign(mem, { tasks: ['paid', 'job'], config: { theme: 'dark' }, count: 41 });
    await mem.$close();
  });
  beforeEach(() => redis.kill());
  afterAll(() => redis.remove());

  test('open waits for it, so that nothing that exists is taken for absent', async () => {
    const opened = Memory.open(redis.url);
    await redis.start();
    const mem = await opened;
    mem.tasks ??= [];
    mem.tasks.push('new');
    expect(mem.tasks).toEqual(['paid', 'job', 'new']);
    mem.tasks.pop();
    await mem.$close();
  });

  test('open rejects after openTimeout, and says why', async () => {
    const error: SyncedMemoryError = await Memory.open({ url: redis.url, openTimeout: 100 }).then(
      () => expect.unreachable('it opened'),
      (error) => error,
    );
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', cause: { code: 'ERR_UNREACHABLE' } });
    expect(error.message).toMatch(/within 100 ms: .*(refused|REFUSED|transport failed).*; start the server/);
    if (onWasm) return;
    expect(() => Memory.openSync({ url: redis.url, openTimeout: 100 })).toThrow(
      expect.objectContaining({ code: 'ERR_UNREACHABLE', cause: expect.objectContaining({ code: 'ERR_UNREACHABLE' }) }),
    );
  });

  test('offline: an unknown attribute can be replaced, and not read', async () => {
    const mem = await Memory.open({ url: redis.url, offline: true });
    expect(() => mem.tasks).toThrow(notLoaded);
    expect(() => 'tasks' in mem).toThrow(notLoaded);
    expect(() => Object.hasOwn(mem, 'tasks')).toThrow(notLoaded);
    expect(() => {
      mem.tasks ??= [];
    }).toThrow(notLoaded);
    expect(() => mem.$snapshot('tasks')).toThrow(notLoaded);
    expect(() => mem.$lastModified('tasks')).toThrow(notLoaded);
    expect(() => Object.keys(mem)).toThrow(notLoaded);
    expect(() => mem.$snapshot()).toThrow(notLoaded);
    expect(() => JSON.stringify(mem)).toThrow(/\$ready\(\)/);
    mem.count = 7;
    expect(mem.count).toBe(7);
    delete mem.config;
    expect(mem.config).toBeUndefined();
    expect('config' in mem).toBe(false);
    expect(mem.$status.pending).toBe(2);
    const total = mem.$transaction((draft) => draft.tasks.length + draft.count);
    const updated = mem.$update('tasks', (tasks: string[]) => tasks.filter((task) => task !== 'job'));
    await redis.start();
    await mem.$ready();
    // The transaction and the update read the same list, in either order.
    expect([7 + 2, 7 + 1]).toContain(await total);
    expect(await updated).toEqual(['paid']);
    mem.tasks.push('job');
    expect({ ...mem }).toEqual({ tasks: ['paid', 'job'], count: 7 });
    await mem.$flush();
    const other = await Memory.open(redis.url);
    expect({ ...other }).toEqual({ tasks: ['paid', 'job'], count: 7 });
    Object.assign(other, { config: { theme: 'dark' }, count: 41 });
    await Promise.all([mem.$close(), other.$close()]);
  });

  test('offline: an attribute with a default reads as that, and what is done to it merges', async () => {
    const mem: Memory = await Memory.open({
      url: redis.url,
      offline: true,
      defaults: { tasks: [], fresh: { n: 0 } },
    });
    expect(mem.tasks).toEqual([]);
    mem.tasks.push('new');
    mem.fresh.n++;
    expect(mem.$status).toMatchObject({ unknown: ['tasks', 'fresh'] });
    expect(() => Object.keys(mem)).toThrow(notLoaded);
    const sum = mem.$increment('count');
    const left = mem.$ttl('count');
    await expect(mem.$flush({ timeout: 10 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    await redis.start();
    await mem.$ready();
    expect(mem.$status.unknown).toEqual([]);
    expect([mem.tasks, mem.fresh]).toEqual([['paid', 'job', 'new'], { n: 1 }]);
    expect([await sum, await left]).toEqual([42, undefined]);
    mem.tasks.pop();
    mem.count = 41;
    delete mem.fresh;
    await mem.$close();
  });

  test('offline: what is assigned or deleted while it is unknown wins', async () => {
    const mem = await Memory.open({ url: redis.url, offline: true });
    mem.config = { theme: 'light' };
    mem.config.size = 2;
    mem.tasks = 1;
    delete mem.tasks;
    delete mem.absent;
    await redis.start();
    await mem.$flush();
    const other = await Memory.open(redis.url);
    expect({ ...other }).toEqual({ config: { theme: 'light', size: 2 }, count: 41 });
    Object.assign(other, { tasks: ['paid', 'job'], config: { theme: 'dark' } });
    await Promise.all([mem.$close(), other.$close()]);
  });

  test('a scope of a memory that is offline is offline', async () => {
    const mem = await Memory.open({ url: redis.url, offline: true });
    const scope: Memory = await mem.$scope('room', { defaults: { seats: [] } });
    scope.seats.push(1);
    expect(() => scope.other).toThrow(notLoaded);
    await expect(mem.$scope('other', { offline: false, openTimeout: 50 })).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
    });
    await redis.start();
    await scope.$ready();
    expect(scope.seats).toEqual([1]);
    delete scope.seats;
    await Promise.all([scope.$close(), mem.$close()]);
  });
});

describe('a memory of names', () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    const all = await Memory.open(server.url);
    Object.assign(all, { a: 1, b: ['kept'], c: { deep: true } });
    await all.$close();
  });

  test('takes no attribute outside of them for absent', async () => {
    const mem = await Memory.open({ url: server.url, names: ['a'] });
    expect({ ...mem }).toEqual({ a: 1 });
    expect(() => {
      mem.b ??= [];
    }).toThrow(/^b: not loaded.*\$load\(\['b'\]\)/);
    await mem.$load(['b', 'absent']);
    mem.b ??= [];
    mem.b.push('more');
    expect('absent' in mem).toBe(false);
    expect(await mem.$update('c', (c: { deep: boolean }) => ({ ...c, seen: true }))).toEqual({
      deep: true,
      seen: true,
    });
    await mem.$flush();
    const other = await Memory.open({ url: server.url, names: [] });
    delete other.b;
    other.a = 2;
    expect(await other.$ttl('c')).toBeUndefined();
    expect(await other.$expire('c', 100)).toBe(true);
    await other.$flush();
    await mem.$sync();
    expect({ ...mem }).toEqual({ a: 2, c: { deep: true, seen: true } });
    await Promise.all([mem.$close(), other.$close()]);
  });

  test('reads its own attributes, and sums of increments, as they are on the server', async () => {
    const mem = await Memory.open({ url: server.url, names: [] });
    expect(await Promise.all([mem.$increment('a'), mem.$increment('a'), mem.$increment('new', 5)])).toEqual([2, 3, 5]);
    expect(await mem.$increment(['c', 'n'], 2)).toBe(2);
    expect({ ...mem }).toEqual({ a: 3, new: 5, c: { deep: true, n: 2 } });
    delete mem.new;
    await mem.$close();
  });

  test.skipIf(onWasm)('in blocking mode, an attribute outside of them is read from the server', () => {
    const mem = Memory.openSync({ url: server.url, names: ['a'] });
    expect([mem.b, mem.absent]).toEqual([['kept'], undefined]);
    mem[Symbol.dispose]();
  });
});

describe('faults while a memory is opened', () => {
  test('a server that accepts and never answers', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume());
    silent.listen(0, '127.0.0.1');
    await event(silent, 'listening');
    onTestFinished(() => void silent.close());
    const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await expect(Memory.open({ url, openTimeout: 200 })).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      message: expect.stringContaining('within 200 ms: the server has not answered'),
    });
  });

  test('connections that are killed at every stage', async () => {
    const server = await startRedisServer();
    const direct = await Memory.open(server.url);
    for (let n = 0; n < 30; n++) direct[`name${n}`] = 'x'.repeat(200);
    await direct.$flush();
    const proxy = await new FaultProxy(server.port).listen();
    for (let byte = 1; byte < 8_000; byte = Math.ceil(byte * 1.3)) {
      void proxy.cutRepliesAt(byte);
      const mem = await Memory.open(`redis://127.0.0.1:${proxy.port}`);
      expect(Object.keys(mem)).toHaveLength(30);
      await mem.$close();
    }
    await direct.$close();
    await proxy.close();
    await server.stop();
  });

  test('a server that dies between login and load, and comes back', async () => {
    const redis = await DurableRedis.prepare();
    await redis.start();
    const first = await Memory.open(redis.url);
    first.tasks = ['kept'];
    await first.$close();
    const proxy = await new FaultProxy(redis.port).listen();
    // After the greeting, no reply arrives.
    proxy.swallow.replies = true;
    const opened = Memory.open(`redis://127.0.0.1:${proxy.port}`);
    await vi.waitFor(() => expect(proxy.connections).toBeGreaterThan(0));
    await redis.kill();
    proxy.forget();
    await redis.start();
    const mem = await opened;
    expect(mem.tasks).toEqual(['kept']);
    await mem.$close();
    await proxy.close();
    await redis.remove();
  });

  test('a replica: it is read, and mutations wait until it is the master', async () => {
    const master = await startRedisServer(['--repl-diskless-sync-delay', '0']);
    const origin = await Memory.open(master.url);
    origin.list = [1];
    await origin.$close();
    const replica = await startRedisServer(['--replicaof', '127.0.0.1', String(master.port)]);
    const admin = await createClient({ url: replica.url }).connect();
    await vi.waitFor(async () => expect(await admin.get('memory:list')).toContain('[1]'), 20_000);
    const mem = await Memory.open({ url: replica.url, onError: () => {} });
    mem.list.push(2);
    expect(await once<SyncedMemoryError>((listener) => mem.$on('error', listener))).toMatchObject({
      code: 'ERR_BUSY',
      message: expect.stringContaining("the server is a replica: give the master's URL"),
    });
    await admin.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    await mem.$flush();
    expect(await admin.get('memory:list')).toContain('[1,2]');
    admin.destroy();
    await mem.$close();
    await Promise.all([replica.stop(), master.stop()]);
  });

  test.skipIf(onWasm)('a node of a cluster with half of the slots', async () => {
    const node = await Node.prepare();
    await node.start();
    onTestFinished(() => node.remove());
    const range = (first: number, last: number) =>
      Array.from({ length: last - first }, (_, slot) => String(first + slot));
    await node.ask('CLUSTER', 'ADDSLOTS', ...range(0, 8192));
    const url = `redis+cluster://127.0.0.1:${node.port}`;
    // The slots of these keys are 2465 and 12801.
    const [served, unserved] = ['{b}list', '{e}list'];
    await vi.waitFor(async () => expect(String(await node.ask('CLUSTER', 'INFO'))).toContain('state:ok'), 10_000);
    const mem = await Memory.open({ url, names: [served] });
    mem[served] = [1];
    await mem.$close();
    for (const options of [{}, { names: [served, unserved] }]) {
      await expect(Memory.open({ url, openTimeout: 1_000, onError: () => {}, ...options })).rejects.toMatchObject({
        code: 'ERR_UNREACHABLE',
        cause: { message: expect.stringMatching(/slot|key/) },
      });
    }
    const opened = Memory.open({ url, openTimeout: 30_000, onError: () => {} });
    await node.ask('CLUSTER', 'ADDSLOTS', ...range(8192, 16_384));
    const all = await opened;
    expect({ ...all }).toEqual({ [served]: [1] });
    await all.$close();
  });
});
