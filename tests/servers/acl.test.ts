import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from './backends.js';
import { Cluster, Node } from './cluster.mjs';

const connect = (url: string) => createClient({ url }).connect();

// The user gets exactly the permissions that docs/deployment.md lists.
const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
const rule = /^ACL SETUSER app (.*)$/m.exec(page)?.[1]?.split(' ') ?? [];
const onClusters = /`(\+cluster\|slots [^`]*)`/.exec(page)?.[1]?.split(' ') ?? [];
const withoutListening = rule.filter(
  (part) => !['&sm:memory:*', '+subscribe', '+unsubscribe', '+client|tracking', '+publish'].includes(part),
);

describe.each([
  ['what docs/deployment.md lists', rule],
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
    const named = await Memory.open({ url, writer: 'named', onError: (error) => errors.push(error) });
    await vi.waitFor(async () => expect(await mine.$writers()).toMatchObject([{ label: 'named' }]));
    await named.$close();
    await expect(mine.$flush({ replicas: 1, timeout: 200 })).rejects.toMatchObject({ code: 'ERR_REPLICAS' });
    await admin.sendCommand(['SCRIPT', 'FLUSH']);
    mine.list.push(6);
    await mine.$flush();
    expect(errors).toEqual([]);
    await mine.$close();
    await theirs.$close();
  });
});

describe('two tenants, each with the permissions of a prefix of its own', () => {
  const prefixes = { one: 'one:', two: 'two:' } as const;
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let admin: Awaited<ReturnType<typeof connect>>;
  const urlOf = (tenant: keyof typeof prefixes) => server.url.replace('redis://', `redis://${tenant}:password@`);

  beforeAll(async () => {
    server = await startRedisServer();
    admin = await connect(server.url);
    for (const [tenant, prefix] of Object.entries(prefixes)) {
      const permissions = rule.map((part) => (/^[~&]/.test(part) ? part.replaceAll('memory:', prefix) : part));
      await admin.sendCommand(['ACL', 'SETUSER', tenant, 'resetchannels', ...permissions]);
    }
  });
  afterAll(async () => {
    admin.destroy();
    await server.stop();
  });

  test('reach no key and no channel of each other', async () => {
    const errors: unknown[] = [];
    const open = (tenant: keyof typeof prefixes) =>
      Memory.open<Record<string, unknown[]>>({
        url: urlOf(tenant),
        prefix: prefixes[tenant],
        onError: (error) => errors.push(error),
      });
    const memories = [await open('one'), await open('two')];
    for (const mem of memories) {
      const scope = await mem.$scope<Record<string, unknown[]>>('scope');
      for (const each of [mem, scope]) {
        each.plain = [1];
        each['{tag}x'] = [1];
        await each.$flush();
        each.plain.push(2);
        each['{tag}x'].push(2);
        await each.$batch(() => {
          each.other = [1];
        });
        await each.$flush();
      }
      await expect(mem.$flush({ replicas: 1, timeout: 100 })).rejects.toMatchObject({ code: 'ERR_REPLICAS' });
      await scope.$close();
    }
    expect(errors).toEqual([]);

    const keys = (await admin.sendCommand(['KEYS', '*'])) as unknown as string[];
    const sideKeys = keys.filter((key) => key.startsWith('sm:'));
    expect(sideKeys.length).toBeGreaterThanOrEqual(2 * 8);
    const channels = (await admin.sendCommand(['PUBSUB', 'CHANNELS'])) as unknown as string[];
    expect(channels).toEqual(expect.arrayContaining(['sm:one:', 'sm:two:']));
    for (const [tenant, other] of [
      ['one', 'two:'],
      ['two', 'one:'],
    ] as const) {
      const client = await connect(urlOf(tenant));
      const may = (command: string[]) =>
        client.sendCommand(command).then(
          () => true,
          (error: Error) => {
            expect(error.message).toMatch(/^NOPERM/);
            return false;
          },
        );
      for (const key of keys) {
        const isOwn = !key.includes(other);
        expect([key, await may(['STRLEN', key])]).toEqual([key, isOwn]);
        if (!isOwn) expect([key, await may(['SET', key, 'x'])]).toEqual([key, false]);
      }
      for (const channel of [`sm:${other}`, `sm:${other}scope:`]) {
        expect(await may(['PUBLISH', channel, 'x'])).toBe(false);
      }
      expect(await may(['SUBSCRIBE', `sm:${other}`])).toBe(false);
      client.destroy();
    }
    for (const mem of memories) await mem.$close();
  });
});

test.skipIf(onWasm)(
  'on a cluster, a user who may not use CLUSTER SLOTS is refused at once, with the permission',
  async () => {
    const node = await Node.prepare();
    onTestFinished(() => node.remove());
    await node.start();
    await node.ask('CLUSTER', 'ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => String(slot)));
    await node.ask('ACL', 'SETUSER', 'app', 'resetchannels', ...rule);
    const url = `redis+cluster://app:password@127.0.0.1:${node.port}`;
    await expect(Memory.open({ url, openTimeout: Number.POSITIVE_INFINITY })).rejects.toMatchObject({
      code: 'ERR_REFUSED',
      message: expect.stringMatching(
        /does not permit CLUSTER SLOTS to this user: .*add \+cluster\|slots .* to the user's ACL/,
      ),
    });
  },
);

test.skipIf(onWasm)(
  'on a cluster, the permissions of docs/deployment.md suffice for the subscription',
  async () => {
    const cluster = await Cluster.start();
    const everywhere = <T>(...command: string[]) =>
      Promise.all(cluster.nodes.map((node) => node.ask(...command) as Promise<T>));
    try {
      await everywhere('ACL', 'SETUSER', 'app', 'resetchannels', ...rule, ...onClusters);
      const mem = await Memory.open<Record<string, number>>({
        url: cluster.url.replace('://', '://app:password@'),
        onError: () => {},
      });
      mem.x = 1;
      await mem.$flush();
      // With CLIENT TRACKING.
      expect(mem.$status.capabilities).toMatchObject({ topology: 'cluster', deltas: true, changes: 'broadcast' });
      await vi.waitFor(
        async () => expect(String(await everywhere('INFO', 'commandstats'))).toMatch(/cmdstat_ping:calls=[1-9]/),
        { timeout: 20_000, interval: 100 },
      );
      const denied = (await everywhere<unknown[][]>('ACL', 'LOG'))
        .flat()
        .map((entry) => entry[entry.indexOf('object') + 1]);
      // CLIENT SETINFO names the client library: it may be denied. Redis 6.2 logs it without its second word, as it would log a
      // CLIENT TRACKING, which was not denied: see above.
      expect(denied.filter((command) => !/^client(\|setinfo)?$/.test(String(command)))).toEqual([]);
      await mem.$close();
    } finally {
      await cluster.stop();
    }
  },
  60_000,
);
