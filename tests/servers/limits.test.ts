// A real server without the commands that DragonflyDB and Upstash lack.
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { once } from '../faults/redis.js';

interface State {
  list: string[];
  dict: Record<string, { seen: number[] }>;
}

interface Limits {
  /** Options of the server. */
  options?: string[];
  /** ACL rules that forbid commands. */
  acl?: string[];
  /** The commands that are refused then. */
  refused: string[][];
  /** True if the server sends no push messages, which need RESP3. */
  deaf?: boolean;
}

// RESP2, because some of these servers know no HELLO.
const connect = (url: string) => createClient({ url, RESP: 2 }).connect();
const withoutCommand = (name: string) => ['--rename-command', name, ''];
const anySha = '0'.repeat(40);
const evalsha = ['EVALSHA', anySha, '0'];
const tracking = ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'memory:'];
const libraryName = ['CLIENT', 'SETINFO', 'LIB-NAME', 'other'];
const keyspaceEvents = ['CONFIG', 'SET', 'notify-keyspace-events', 'KA'];
const scripts = [
  ['SCRIPT', 'LOAD', 'return 1'],
  ['SCRIPT', 'FLUSH'],
];
const replicas = ['WAIT', '1', '1'];

const limits: Record<string, Limits> = {
  'no CLIENT TRACKING and no CLIENT SETINFO': { acl: ['-client'], refused: [tracking, libraryName] },
  'no keyspace events': { acl: ['-config'], refused: [keyspaceEvents] },
  'no SCRIPT': { acl: ['-script'], refused: scripts },
  'a refused EVALSHA': { acl: ['-evalsha'], refused: [evalsha] },
  'an unknown EVALSHA': { options: withoutCommand('EVALSHA'), refused: [evalsha] },
  'no HELLO': { options: withoutCommand('HELLO'), refused: [['HELLO', '3']], deaf: true },
  "DragonflyDB's limits": {
    acl: ['-client', '-config', '-script'],
    refused: [tracking, libraryName, keyspaceEvents, ...scripts],
  },
  'all limits at once': {
    options: [...withoutCommand('HELLO'), ...withoutCommand('EVALSHA')],
    acl: ['-client', '-config', '-script', '-wait', '-@pubsub'],
    refused: [['HELLO', '3'], evalsha, tracking, libraryName, keyspaceEvents, ...scripts, replicas],
    deaf: true,
  },
};

describe.each(Object.entries(limits))('a server with %s', (_, { options = [], acl = [], refused, deaf = false }) => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let admin: Awaited<ReturnType<typeof connect>>;
  let url: string;
  beforeAll(async () => {
    server = await startRedisServer(options);
    admin = await connect(server.url);
    await admin.sendCommand(['ACL', 'SETUSER', 'app', 'on', '>password', '~*', '&*', '+@all', ...acl]);
    url = server.url.replace('redis://', 'redis://app:password@');
  });
  afterAll(async () => {
    admin.destroy();
    await server.stop();
  });

  test('is refused the commands', async () => {
    const limited = await connect(url);
    for (const command of refused) {
      await expect(limited.sendCommand(command), command.join(' ')).rejects.toThrow(/^NOPERM|^ERR [Uu]nknown/);
    }
    limited.destroy();
  });

  test('shares a memory', async () => {
    const errors: unknown[] = [];
    const open = () => Memory.open<State>({ url, defaults: { list: [], dict: {} }, onError: (e) => errors.push(e) });
    const [mine, theirs] = [await open(), await open()];
    const both = [mine, theirs];
    const pushed: string[] = [];
    const push = async (round: number) => {
      for (const [who, mem] of both.entries()) {
        for (let n = 0; n < 20; n++) {
          mem.list.push(`${who}:${round}:${n}`);
          pushed.push(`${who}:${round}:${n}`);
        }
        mem.dict[`${who}:${round}`] = { seen: [round] };
        mem.dict[`${who}:${round}`]?.seen.push(who);
      }
      await Promise.all(both.map((mem) => mem.$flush()));
    };
    await push(0);

    const again = both.map((mem) => once((listener) => mem.$on('connect', listener)));
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await Promise.all(again);
    await admin.sendCommand(['SCRIPT', 'FLUSH']);
    await push(1);

    for (const mem of both) await mem.$sync();
    expect([...mine.list].sort()).toEqual(pushed.sort());
    expect(Object.keys(mine.dict).sort()).toEqual(['0:0', '0:1', '1:0', '1:1']);
    expect(mine.dict['1:0']).toEqual({ seen: [0, 1] });
    expect(theirs).toEqual(mine);
    expect(JSON.parse((await admin.get('memory:list')) ?? '').value).toEqual(mine.list);

    theirs.list.push('told');
    await theirs.$flush();
    if (deaf) await mine.$sync();
    await vi.waitFor(() => expect(mine.list.at(-1)).toBe('told'));
    expect(errors).toEqual([]);
    for (const mem of both) await mem.$close();
  });
});
