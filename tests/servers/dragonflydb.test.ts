// The entry point for DragonflyDB, found by its environment variables, on a server that lacks what DragonflyDB lacks.
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import * as anywhere from 'synced-memory';
import { Memory, PrefixedMemory } from 'synced-memory/dragonflydb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

let server: Awaited<ReturnType<typeof startRedisServer>>;
let admin: ReturnType<typeof createClient>;

beforeAll(async () => {
  server = await startRedisServer();
  admin = createClient({ url: server.url });
  await admin.connect();
  const permissions = ['on', 'nopass', '~*', '&*', '+@all', '-client', '-config', '-script'];
  await admin.sendCommand(['ACL', 'SETUSER', 'app', ...permissions]);
});
afterAll(async () => {
  admin.destroy();
  await server.stop();
});
beforeEach(async () => {
  await admin.flushAll();
  const names = ['URL', 'HOST', 'PORT', 'PREFIX'].flatMap((name) => [`REDIS_${name}`, `DRAGONFLYDB_${name}`]);
  for (const name of ['SYNCED_MEMORY_URL', ...names]) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

const nowhere = 'redis://127.0.0.1:1';

describe('the server is located by', () => {
  test.each<[string, (port: number) => Record<string, string>]>([
    ['DRAGONFLYDB_URL', (port) => ({ DRAGONFLYDB_URL: `redis://app:any@127.0.0.1:${port}`, REDIS_URL: nowhere })],
    [
      'DRAGONFLYDB_HOST and DRAGONFLYDB_PORT',
      (port) => ({
        DRAGONFLYDB_HOST: '127.0.0.1',
        DRAGONFLYDB_PORT: `${port}`,
        REDIS_HOST: '127.0.0.1',
        REDIS_PORT: '1',
      }),
    ],
    ['REDIS_HOST and REDIS_PORT', (port) => ({ REDIS_HOST: '127.0.0.1', REDIS_PORT: `${port}` })],
    ['SYNCED_MEMORY_URL', (port) => ({ SYNCED_MEMORY_URL: `redis://127.0.0.1:${port}`, DRAGONFLYDB_URL: nowhere })],
  ])('%s', async (_, env) => {
    for (const [name, value] of Object.entries(env(server.port))) vi.stubEnv(name, value);
    const mem = await Memory.open<{ log: number[] }>({ defaults: { log: [] } });
    mem.log.push(1);
    await mem.$flush({ timeout: 10_000 });
    expect(JSON.parse((await admin.get('memory:log')) ?? '').value).toEqual([1]);
    await mem.$close();
  });
});

test('two memories share attributes under the default prefix', async () => {
  vi.stubEnv('DRAGONFLYDB_URL', `redis://app:any@127.0.0.1:${server.port}`);
  vi.stubEnv('DRAGONFLYDB_PREFIX', 'dragon:');
  vi.stubEnv('REDIS_PREFIX', 'redis:');
  const errors: unknown[] = [];
  const options = { onError: (error: unknown) => errors.push(error) };
  const mine = Memory.openSync<{ log: anywhere.SyncedList<number> }>(options);
  const theirs = await Memory.open<{ log: anywhere.SyncedList<number> }>(options);
  mine.log = [1] as unknown as anywhere.SyncedList<number>;
  await mine.$flush();
  await vi.waitFor(() => expect(theirs.log).toEqual([1]));
  theirs.log.append(2);
  await theirs.$flush();
  await vi.waitFor(() => expect(mine.log).toEqual([1, 2]));
  expect(mine.log).toBeInstanceOf(anywhere.SyncedList);

  const scoped = await PrefixedMemory.open<{ state: string }>('agent', options);
  scoped.state = 'idle';
  await scoped.$flush();
  expect((await admin.keys('dragon:*')).sort()).toEqual(['dragon:agent:state', 'dragon:log']);
  expect(errors).toEqual([]);
  for (const mem of [mine, theirs, scoped]) await mem.$close();
});

test('a batch that is too large for the server is refused, and nothing of it is stored', async () => {
  // Without HELLO it is unknown which server this is, so the limits of DragonflyDB apply.
  const unknown = await startRedisServer(['--rename-command', 'HELLO', '']);
  const client = await createClient({ url: unknown.url, RESP: 2 }).connect();
  const mem = await Memory.open<Record<string, number>>({ url: unknown.url, onError: () => {} });
  const assign = (count: number) =>
    mem.$batch(() => {
      for (let n = 0; n < count; n++) mem[`x${n}`] = n;
    });
  assign(4097);
  await expect(mem.$flush()).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' });
  expect(mem).toEqual({});
  expect(await client.keys('memory:*')).toEqual([]);
  assign(4096);
  await mem.$flush();
  expect(await client.keys('memory:*')).toHaveLength(4096);
  await mem.$close();
  client.destroy();
  await unknown.stop();
});

test('the permissions that docs/deployment.md lists for DragonflyDB are enough', async () => {
  const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
  const [, rule] = [...page.matchAll(/^ACL SETUSER app (.*)$/gm)].map(([, permissions]) =>
    String(permissions).split(' '),
  );
  expect(rule).toContain('+client');
  expect(rule?.filter((part) => part.includes('|'))).toEqual([]);
  const unknown = await startRedisServer(['--rename-command', 'HELLO', '']);
  const client = await createClient({ url: unknown.url, RESP: 2 }).connect();
  // Redis 6.2 has no sharded channels.
  const info = await client.sendCommand(['COMMAND', 'INFO', 'SPUBLISH']);
  const isOld = Array.isArray(info) && info[0] === null;
  const unusable = ['+hello', ...(isOld ? ['+spublish', '+ssubscribe', '+sunsubscribe'] : [])];
  const permissions = (rule ?? []).filter((part) => !unusable.includes(part));
  await client.sendCommand(['ACL', 'SETUSER', 'app', 'resetchannels', ...permissions]);
  const errors: unknown[] = [];
  const open = () =>
    Memory.open<{ list: number[]; count: number; short: number }>({
      url: unknown.url.replace('redis://', 'redis://app:password@'),
      onError: (error) => errors.push(error),
    });
  const [mine, theirs] = [await open(), await open()];
  mine.list = [1];
  mine.list.push(2);
  await mine.$flush();
  mine.$batch(() => {
    mine.list.splice(0, 1);
    mine.count = 1;
  });
  await mine.$flush();
  await theirs.$sync();
  await theirs.$transaction((draft) => {
    draft.count += draft.list.length;
  });
  await mine.$sync();
  expect(mine).toEqual({ list: [2], count: 2 });
  mine.short = 1;
  await mine.$expire('short', 60);
  await mine.$persist('short');
  await expect(mine.$flush({ replicas: 1, timeout: 200 })).rejects.toMatchObject({ code: 'ERR_REPLICAS' });
  await mine.$close();
  await theirs.$close();
  expect(errors).toEqual([]);
  const log = (await client.sendCommand(['ACL', 'LOG'])) as unknown[];
  expect(log).toEqual([]);
  client.destroy();
  await unknown.stop();
});
