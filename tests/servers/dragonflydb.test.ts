// The entry point for DragonflyDB, found by its environment variables, on a server that lacks what DragonflyDB lacks.
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

describe('the server is found by', () => {
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

test('two memories share what they hold, under a prefix of its own', async () => {
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
