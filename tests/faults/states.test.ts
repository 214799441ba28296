import { createClient } from 'redis';
import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { DurableRedis, once } from './redis.js';

type State = { list: number[]; other: number[] };
let redis: DurableRedis;
let mem: Memory<State>;
let admin: { command(...command: string[]): Promise<unknown> };

beforeEach(async () => {
  redis = await DurableRedis.prepare();
  await redis.start();
  mem = await Memory.open<State>({ url: redis.url, onError: () => {} });
  mem.list = [0];
  await mem.$flush();
  admin = {
    async command(...command) {
      const client = await createClient({ url: redis.url }).connect();
      const reply = await client.sendCommand(command);
      client.destroy();
      return reply;
    },
  };
});
afterEach(async () => {
  await mem.$close();
  await redis.remove();
});

const stored = async () => JSON.parse(String(await admin.command('GET', 'memory:list'))).value;

test('READONLY: mutations wait until the server is a master again', async () => {
  const master = await startRedisServer(['--repl-diskless-sync-delay', '0']);
  const client = await createClient({ url: master.url }).connect();
  await client.set('memory:list', String(await admin.command('GET', 'memory:list')));
  client.destroy();
  await admin.command('REPLICAOF', '127.0.0.1', String(master.port));
  await vi.waitFor(async () => expect(await admin.command('INFO', 'replication')).toContain('link_status:up'), 10_000);
  mem.list.push(1);
  const error = await once<SyncedMemoryError>((listener) => mem.$on('error', listener));
  expect(error).toMatchObject({
    code: 'ERR_BUSY',
    message: expect.stringMatching(/^the server is a replica: give the master's URL[^@]*; trying again$/),
  });
  mem.list.push(2);
  expect(mem.$status.pending).toBe(2);
  await admin.command('REPLICAOF', 'NO', 'ONE');
  await mem.$flush();
  expect(await stored()).toEqual([0, 1, 2]);
  await master.stop();
});

test('MASTERDOWN: a replica that lost its master and serves no stale data', async () => {
  await admin.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
  await admin.command('REPLICAOF', '127.0.0.1', '1');
  mem.list.push(1);
  const error = await once<SyncedMemoryError>((listener) => mem.$on('error', listener));
  expect(error).toMatchObject({
    code: 'ERR_BUSY',
    message: expect.stringContaining('a replica that has lost its master'),
  });
  await admin.command('REPLICAOF', 'NO', 'ONE');
  await mem.$flush();
  expect(await stored()).toEqual([0, 1]);
});

test('LOADING: a server that is reading its data', async ({ skip }) => {
  // Without this option, Redis 6.2 answers nothing until it has loaded two megabytes.
  const answering = 'loading-process-events-interval-bytes';
  if (Object.keys(Object((await admin.command('CONFIG', 'GET', answering)) ?? {})).length === 0) skip();
  // While it loads, it answers after every 1,024 commands.
  await admin.command('EVAL', "for n = 1, 10000 do redis.call('SET', 'filler:' .. n, 'x') end", '0');
  await redis.kill();
  mem.list.push(1);
  const loading = new Promise<void>((resolve) => {
    for (const event of ['error', 'disconnect'] as const)
      mem.$on(event, ({ code }) => code === 'ERR_BUSY' && resolve());
  });
  // Microseconds per key.
  const started = redis.start('--key-load-delay', '300', `--${answering}`, '1024');
  await loading;
  await expect(Memory.open({ url: redis.url, openTimeout: 1_000, onError: () => {} })).rejects.toMatchObject({
    code: 'ERR_BUSY',
    message: expect.stringMatching(
      /^not loaded within 1000 ms: .*the server is loading its data; wait until it has started; openTimeout/,
    ),
    cause: { code: 'ERR_BUSY', message: expect.stringContaining('is loading its data') },
  });
  await started;
  await mem.$flush();
  mem.list.push(2);
  await mem.$flush();
  expect(await stored()).toEqual([0, 1, 2]);
});

test("BUSY: a server that runs somebody's script", async () => {
  await admin.command('CONFIG', 'SET', 'lua-time-limit', '1');
  const [looping, killing] = await Promise.all([1, 2].map(() => createClient({ url: redis.url }).connect()));
  const killed = looping?.eval('while true do end').catch((error: Error) => error.message);
  const options = { url: redis.url, openTimeout: 300, onError: () => {} };
  await expect(Memory.open(options)).rejects.toMatchObject({
    code: 'ERR_BUSY',
    cause: {
      message: expect.stringContaining("the server is running somebody's script; wait, or end it with SCRIPT KILL"),
    },
  });
  const opened = Memory.open<State>({ ...options, openTimeout: 30_000 });
  const waiting = once<SyncedMemoryError>((listener) => mem.$on('error', listener));
  mem.list.push(1);
  expect(await waiting).toMatchObject({ code: 'ERR_BUSY' });
  await killing?.sendCommand(['SCRIPT', 'KILL']);
  expect(await killed).toMatch(/kill/i);
  const other = await opened;
  // The subscriptions that the server refused meanwhile were asked for again.
  expect(other.$status.capabilities).toMatchObject(mem.$status.capabilities ?? {});
  await mem.$flush();
  await other.$sync();
  expect(other.list).toEqual([0, 1]);
  for (const client of [looping, killing]) client?.destroy();
  await other.$close();
});

test('FLUSHALL: a document is deleted, unless a replica with pending mutations stores it again', async () => {
  const idle = await Memory.open<State>({ url: redis.url });
  const regressions: unknown[] = [];
  mem.$on('regression', (regression) => regressions.push(regression));
  await admin.command('CLIENT', 'PAUSE', '300', 'WRITE').catch(() => {});
  mem.list.push(1);
  await mem.$flush();
  await admin.command('FLUSHALL');
  mem.list?.push(2);
  await mem.$flush();
  const value = await vi.waitFor(async () => {
    await Promise.all([mem.$sync(), idle.$sync()]);
    expect(idle.list).toEqual(mem.list);
    return mem.list;
  });
  // Either the loss was noticed first, or the push.
  if (value !== undefined) {
    expect(value).toEqual([0, 1, 2]);
    expect(regressions).toMatchObject([{ name: 'list', revision: 0n }]);
  }
  mem.other = [7];
  await mem.$flush();
  await idle.$sync();
  expect(idle.other).toEqual([7]);
  await idle.$close();
});
