// A memory whose server is found through Sentinel and replaced during work.
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { expect, onTestFinished, test } from 'vitest';
import { once } from '../faults/redis.js';
import { Watched } from './sentinel.mjs';

async function watched(): Promise<Watched> {
  const servers = await Watched.start();
  onTestFinished(() => servers.stop());
  return servers;
}

/** Pushes numbers until stopped, and returns their count. */
function pushing(mem: Memory, first = 0): () => number {
  let next = first;
  const timer = setInterval(() => {
    for (let n = 0; n < 5; n++) mem.log.push(next++);
  }, 1);
  return () => {
    clearInterval(timer);
    return next;
  };
}

test('a planned fail-over during pushes: each is stored exactly once, in order', async () => {
  const servers = await watched();
  const mem = await Memory.open({ url: servers.url, onError: () => {} });
  expect(mem.$status.capabilities).toEqual({ topology: 'sentinel', resp: 3, deltas: true, changes: 'broadcast' });
  expect(mem.$status).toMatchObject({ state: 'connected', backend: 'redis' });
  mem.log = [];
  await mem.$flush();
  const stop = pushing(mem);
  const connected = once((listener) => mem.$on('connect', listener));
  await servers.failOver();
  await connected;
  const length = stop();
  await mem.$flush();
  // A write that only the new master has.
  const direct = await Memory.open(servers.master.url);
  const expected = Array.from({ length }, (_, n) => n);
  expect([...direct.log]).toEqual(expected);
  expect([...mem.log]).toEqual(expected);
  expect(length).toBeGreaterThan(100);
  await Promise.all([mem.$close(), direct.$close()]);
});

test('the master is killed during pushes: no duplicates, order is kept, later pushes are stored', async () => {
  const servers = await watched();
  const mem = await Memory.open({ url: servers.url, onError: () => {} });
  mem.log = [];
  await mem.$flush();
  const stop = pushing(mem);
  while (mem.log.length < 500) await new Promise((resolve) => setImmediate(resolve));
  const connected = once((listener) => mem.$on('connect', listener));
  await servers.master.stop();
  await connected;
  const later = stop();
  for (let n = later; n < later + 100; n++) mem.log.push(n);
  await mem.$flush();
  const direct = await Memory.open(servers.replica.url);
  const log = [...direct.log] as number[];
  // Replication is asynchronous, so the last acknowledged pushes may be lost with the old master.
  expect(log).toEqual([...new Set(log)].sort((a, b) => a - b));
  expect(log.slice(-100)).toEqual(Array.from({ length: 100 }, (_, n) => later + n));
  expect([...mem.log]).toEqual(log);
  await Promise.all([mem.$close(), direct.$close()]);
});

test('a sentinel that does not tell this user the master: refused at once, with the permission', async () => {
  const servers = await watched();
  const admin = await createClient({ url: servers.sentinel.url, RESP: 2 }).connect();
  onTestFinished(() => admin.destroy());
  await admin.sendCommand(['ACL', 'SETUSER', 'default', '-sentinel']);
  await expect(Memory.open({ url: servers.url, openTimeout: Number.POSITIVE_INFINITY })).rejects.toMatchObject({
    code: 'ERR_REFUSED',
    message: expect.stringContaining('add +sentinel|get-master-addr-by-name'),
  });
});

test('a user who may not use ROLE works', async () => {
  const servers = await watched();
  const admin = await createClient({ url: servers.master.url }).connect();
  onTestFinished(() => admin.destroy());
  await admin.sendCommand(['ACL', 'SETUSER', 'default', '-role']);
  const mem = await Memory.open<{ n: number }>(servers.url);
  mem.n = 1;
  await mem.$flush();
  await mem.$close();
});

test('a sentinel that is unreachable or does not know the master is tried again', async () => {
  const servers = await watched();
  const url = servers.url.replace(/main$/, 'other');
  await expect(Memory.open({ url, openTimeout: 500 })).rejects.toMatchObject({
    code: 'ERR_UNREACHABLE',
    message: expect.stringContaining('no master called other'),
  });
  const away = servers.url.replace('//', '//127.0.0.1:1,');
  const second = await Memory.open(away);
  expect(second.$status.state).toBe('connected');
  await second.$close();
});
