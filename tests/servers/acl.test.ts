import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

const connect = (url: string) => createClient({ url }).connect();

// What the README says is needed is what this user gets.
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const rule = /^ACL SETUSER app (.*)$/m.exec(readme)?.[1]?.split(' ') ?? [];
const withoutListening = rule.filter((part) => !['&sm:*', '+subscribe', '+client|tracking', '+publish'].includes(part));

describe.each([
  ['what the README lists', rule],
  ['no more than committing takes', withoutListening],
])('a user with %s', (_, permissions) => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let admin: Awaited<ReturnType<typeof connect>>;
  let url: string;
  beforeAll(async () => {
    server = await startRedisServer();
    admin = await connect(server.url);
    // Redis 6.2 knows no subcommands of what it lets nobody use as a whole.
    await admin.sendCommand(['ACL', 'SETUSER', 'app', 'resetchannels', ...permissions]);
    url = server.url.replace('redis://', 'redis://app:password@');
  });
  afterAll(async () => {
    admin.destroy();
    await server.stop();
  });

  test('works', async () => {
    const errors: unknown[] = [];
    const open = () => Memory.open<Record<string, unknown[]>>({ url, onError: (error) => errors.push(error) });
    const [mine, theirs] = [await open(), await open()];
    mine.list = [1];
    mine['{tag}'] = [];
    mine.list.push(2, 3);
    mine.list.splice(0, 1);
    mine['{tag}'].push({ deep: [] });
    await mine.$flush();
    await theirs.$sync();
    theirs.list?.push(4);
    await theirs.$flush();
    delete mine['{tag}'];
    await mine.$sync();
    await theirs.$sync();
    expect(mine).toEqual({ list: [2, 3, 4] });
    expect(theirs).toEqual({ list: [2, 3, 4] });
    if (permissions === rule) {
      mine.list.push(5);
      await vi.waitFor(() => expect(theirs.list).toEqual([2, 3, 4, 5]));
      await admin.set('memory:other', '{"value": 1, "last_modified": 1763000000000000000}');
      await vi.waitFor(() => expect(theirs.other).toBe(1));
    }
    await expect(mine.$flush({ replicas: 1, timeout: 200 })).rejects.toMatchObject({ code: 'ERR_REPLICAS' });
    await admin.sendCommand(['SCRIPT', 'FLUSH']);
    mine.list.push(6);
    await mine.$flush();
    expect(errors).toEqual([]);
    await mine.$close();
    await theirs.$close();
  });
});
