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
  expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', message: expect.stringContaining('READONLY') });
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
  expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', message: expect.stringContaining('MASTERDOWN') });
  await admin.command('REPLICAOF', 'NO', 'ONE');
  await mem.$flush();
  expect(await stored()).toEqual([0, 1]);
});

test('LOADING: a server that is reading its data', async ({ skip }) => {
  // Without this option, Redis 6.2 answers nothing until it has loaded two megabytes.
  const answering = 'loading-process-events-interval-bytes';
  if (Object.keys(Object((await admin.command('CONFIG', 'GET', answering)) ?? {})).length === 0) skip();
  for (let n = 0; n < 100; n++) await admin.command('SET', `filler:${n}`, 'x');
  await redis.kill();
  mem.list.push(1);
  // Microseconds per key.
  await redis.start('--key-load-delay', '2000', `--${answering}`, '1024');
  await mem.$flush();
  mem.list.push(2);
  await mem.$flush();
  expect(await stored()).toEqual([0, 1, 2]);
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
