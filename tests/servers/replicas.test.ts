import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

type Server = Awaited<ReturnType<typeof startRedisServer>>;

let master: Server;
let replica: Server;

beforeAll(async () => {
  master = await startRedisServer(['--repl-diskless-sync-delay', '0']);
  replica = await startRedisServer(['--replicaof', '127.0.0.1', String(master.port)]);
  const client = await createClient({ url: replica.url }).connect();
  await vi.waitFor(async () => expect(await client.info('replication')).toContain('master_link_status:up'), 20_000);
  client.destroy();
});
afterAll(async () => {
  await master.stop();
  await replica.stop();
});

test('$flush({ replicas }) resolves when the replicas have everything', async () => {
  const mem = await Memory.open<{ log: number[] }>(master.url);
  const client = await createClient({ url: replica.url }).connect();
  mem.log = [];
  for (let n = 0; n < 20; n++) {
    mem.log.push(n);
    await mem.$flush({ replicas: 1 });
    expect(JSON.parse((await client.get('memory:log')) ?? '').value).toHaveLength(n + 1);
  }
  client.destroy();
  await mem.$close();
});

test('it rejects after the timeout if too few replicas answer, and loses nothing', async () => {
  const mem = await Memory.open<{ late: number[] }>(master.url);
  mem.late = [1];
  await expect(mem.$flush({ replicas: 2, timeout: 300 })).rejects.toMatchObject({
    code: 'ERR_REPLICAS',
    message: expect.stringContaining('1 of 2 replicas'),
  });
  replica.signal('SIGSTOP');
  mem.late.push(2);
  await expect(mem.$flush({ replicas: 1, timeout: 300 })).rejects.toMatchObject({
    code: 'ERR_REPLICAS',
    message: expect.stringContaining('0 of 1 replicas'),
  });
  expect(mem.$status.pending).toBe(0);
  await mem.$flush();
  const reached = mem.$flush({ replicas: 1, timeout: 20_000 });
  replica.signal('SIGCONT');
  await reached;
  await mem.$close();
});

test('writes of an earlier connection are included', async () => {
  const mem = await Memory.open<{ log: number[] }>(master.url);
  const admin = await createClient({ url: master.url }).connect();
  replica.signal('SIGSTOP');
  mem.log = [7];
  await mem.$flush();
  const connected = new Promise((resolve) => mem.$on('connect', () => resolve(undefined)));
  await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
  await connected;
  await expect(mem.$flush({ replicas: 1, timeout: 300 })).rejects.toMatchObject({ code: 'ERR_REPLICAS' });
  replica.signal('SIGCONT');
  await mem.$flush({ replicas: 1, timeout: 20_000 });
  admin.destroy();
  await mem.$close();
});

test('a backend without replicas rejects with the reason', async () => {
  const mem = await Memory.open('memory:');
  await expect(mem.$flush({ replicas: 1 })).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  await mem.$flush({ replicas: 0 });
  await expect(mem.$flush({ replicas: -1 })).rejects.toEqual(expect.objectContaining({ code: 'ERR_OPTIONS' }));
  await mem.$close();
});
