// Changes of other memories arrive over every transport that can subscribe.
import { type AddressInfo, connect, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { Memory, type Transport } from 'synced-memory/edge';
import { ioredis } from 'synced-memory/transports/ioredis';
import { nodeRedis } from 'synced-memory/transports/node-redis';
import { upstash } from 'synced-memory/transports/upstash';
import { type Socket, workersTcp } from 'synced-memory/transports/workers-tcp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { startUpstashServer, type UpstashServer } from './upstash-server.js';

let server: Awaited<ReturnType<typeof startRedisServer>>;
let raw: ReturnType<typeof createClient>;
let other: Redis;
let rest: UpstashServer;

beforeAll(async () => {
  server = await startRedisServer();
  raw = createClient({ url: server.url });
  await raw.connect();
  other = new Redis(server.port);
  rest = await startUpstashServer(server.url, { takesHeader: true });
});
afterAll(async () => {
  await rest.stop();
  other.disconnect();
  raw.destroy();
  await server.stop();
});
beforeEach(() => raw.flushAll());
afterEach(() => vi.useRealTimers());

const tcp = ({ live = true, port = server.port } = {}): Transport =>
  workersTcp({
    hostname: '127.0.0.1',
    port,
    live,
    connect: ({ hostname, port }) => Duplex.toWeb(connect(port, hostname)) as unknown as Socket,
  });

const transports: Record<string, () => Transport> = {
  'node-redis': () => nodeRedis(raw),
  ioredis: () => ioredis(other),
  'workers-tcp': () => tcp(),
  upstash: () => upstash({ ...rest, live: true }),
};

interface State {
  list: unknown[];
  dict: Record<string, unknown>;
}

/** Ends every subscribed connection. */
async function cut(): Promise<void> {
  await raw.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
  rest.cutStreams();
}

async function listening(): Promise<number> {
  const [, count] = (await raw.sendCommand(['PUBSUB', 'NUMSUB', 'sm:memory:'])) as [string, number];
  return count;
}

describe.each(Object.keys(transports))('%s', (name) => {
  const transport = () => (transports[name] as () => Transport)();

  /** With what it carries, and without looking for what nobody tells. */
  function counted(inner: Transport): { seen: string[]; transport: Transport } {
    const seen: string[] = [];
    return {
      seen,
      transport: {
        execute: (commands, signal) => {
          seen.push(...commands.map(([command]) => String(command)));
          return inner.execute(commands, signal);
        },
        subscribe: (channel, listener) => {
          if (inner.subscribe === undefined) throw new Error('it cannot listen');
          return inner.subscribe(channel, listener);
        },
        close: () => inner.close?.(),
      },
    };
  }

  test('commits of other memories arrive without requests and without reads', async () => {
    const { seen, transport: counting } = counted(transport());
    const theirs = await Memory.open<State>({ transport: tcp({ live: false }), defaults: { list: [], dict: {} } });
    await theirs.$flush();
    const mine = await Memory.open<State>({ transport: counting });
    await vi.waitFor(() => expect(mine.$status.capabilities).toMatchObject({ deltas: true, changes: 'none' }));
    await vi.waitFor(() => expect(mine).toEqual({ list: [], dict: {} }));
    await mine.$sync();
    expect(theirs.$status.capabilities).toMatchObject({ deltas: false, changes: 'none' });
    seen.length = 0;
    const changes: unknown[] = [];
    mine.$on('change', ({ name, kind, origin }) => changes.push([name, kind, origin]));
    theirs.list.push('ü', { id: 7 });
    await theirs.$flush();
    theirs.dict['a b'] = '\n';
    await theirs.$flush();
    await vi.waitFor(() => expect(mine).toEqual({ list: ['ü', { id: 7 }], dict: { 'a b': '\n' } }));
    expect(changes).toEqual([
      ['list', 'splice', 'remote'],
      ['dict', 'set', 'remote'],
    ]);
    theirs.$batch(() => {
      theirs.list.pop();
      theirs.dict = {};
    });
    await vi.waitFor(() => expect(mine).toEqual({ list: ['ü'], dict: {} }));
    expect(seen).toEqual([]);
    delete (theirs as Partial<State>).dict;
    await vi.waitFor(() => expect('dict' in mine).toBe(false));
    expect(mine.$lastModified('list')).toBe(theirs.$lastModified('list'));
    await theirs.$close();
    await mine.$close();
    await vi.waitFor(async () => expect(await listening()).toBe(0));
  });

  test('foreign writes are polled for, but not over HTTP', async () => {
    await using mem = await Memory.open<State>({ transport: transport(), defaults: { dict: {} } });
    await mem.$flush();
    expect(mem.$status.capabilities?.changes).toBe(name === 'upstash' ? 'none' : 'probing');
    await raw.set('memory:dict', '{"value": {"by": "python"}, "last_modified": 1863000000000000000}');
    if (name === 'upstash') await mem.$sync();
    await vi.waitFor(() => expect(mem.dict).toEqual({ by: 'python' }), 3_000);
  });

  test('a line feed in a name does not end the stream', async () => {
    await using mine = await Memory.open<Record<string, unknown[]>>({ transport: transport() });
    await using theirs = await Memory.open<Record<string, unknown[]>>({ transport: tcp({ live: false }) });
    await vi.waitFor(() => expect(mine.$status.capabilities?.deltas).toBe(true));
    theirs['two\nlines'] = [1];
    theirs.next = [2];
    await vi.waitFor(() => expect(mine).toEqual({ 'two\nlines': [1], next: [2] }));
  });

  test('after a cut stream, missed changes are read and later ones arrive', async () => {
    await using mine = await Memory.open<State>({ transport: transport(), defaults: { list: [] } });
    await using theirs = await Memory.open<State>({ transport: tcp({ live: false }) });
    await mine.$flush();
    await theirs.$sync();
    await vi.waitFor(() => expect(mine.$status.capabilities?.deltas).toBe(true));
    for (let n = 0; n < 3; n++) {
      await cut();
      theirs.list.push(n);
      await theirs.$flush();
      await vi.waitFor(() => expect(mine.list).toHaveLength(n + 1), 20_000);
    }
    expect(mine.list).toEqual([0, 1, 2]);
    await vi.waitFor(() => expect(mine.$status.capabilities?.deltas).toBe(true), 20_000);
    theirs.list.push('told');
    await vi.waitFor(() => expect(mine.list).toEqual([0, 1, 2, 'told']));
  });

  test('scopes and memories over one transport receive their own messages only', async () => {
    const shared = transport();
    const root = await Memory.open<State>({ transport: shared });
    const a = await root.$scope<State>('a', { defaults: { list: [] } });
    const b = await root.$scope<State>('b', { defaults: { list: [] } });
    const theirs = await Memory.open<State>({ transport: tcp({ live: false }), prefix: 'memory:a:' });
    await Promise.all([a.$flush(), b.$flush()]);
    await theirs.$sync();
    await vi.waitFor(() => {
      for (const mem of [root, a, b]) expect(mem.$status.capabilities?.deltas).toBe(true);
    });
    theirs.list.push(1);
    await vi.waitFor(() => expect(a.list).toEqual([1]));
    await b.$close();
    theirs.list.push(2);
    await vi.waitFor(() => expect(a.list).toEqual([1, 2]));
    for (const mem of [root, a, theirs]) await mem.$close();
    await vi.waitFor(async () => expect(await listening()).toBe(0));
  });

  test('a server that is unreachable for a while', async () => {
    let reachable = false;
    const inner = transport();
    const gate: Transport = {
      ...inner,
      execute: async (commands, signal) => {
        if (!reachable) throw new Error('not now');
        return inner.execute(commands, signal);
      },
      subscribe: async (channel, listener) => {
        if (!reachable || inner.subscribe === undefined) throw new Error('not now');
        return inner.subscribe(channel, listener);
      },
      close: () => inner.close?.(),
    };
    await using mine = await Memory.open<State>({ transport: gate, offline: true, onError: () => {} });
    await using theirs = await Memory.open<State>({ transport: tcp({ live: false }), defaults: { list: [1] } });
    await theirs.$flush();
    expect(mine.$status.state).toBe('disconnected');
    expect(() => mine.list).toThrow(expect.objectContaining({ code: 'ERR_NOT_LOADED' }));
    reachable = true;
    await mine.$ready();
    expect(mine.list).toEqual([1]);
    await vi.waitFor(() => expect(mine.$status.capabilities?.deltas).toBe(true), 10_000);
    theirs.list.push(2);
    await vi.waitFor(() => expect(mine.list).toEqual([1, 2]));
  });
});

test.each(['workers-tcp', 'upstash'])(
  '%s: a line that has gone silent is noticed by what is published and does not come',
  async (name) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true });
    const proxy = await startSilenceable(server.port);
    const transport = name === 'upstash' ? upstash({ ...rest, live: true }) : tcp({ live: true, port: proxy.port });
    const mine = await Memory.open<State>({ transport, defaults: { list: [] } });
    const theirs = await Memory.open<State>({ transport: tcp({ live: false }) });
    const listens = () => mine.$status.capabilities?.deltas;
    await mine.$flush();
    await theirs.$sync();
    await vi.waitFor(() => expect(listens()).toBe(true));
    // After two silent minutes, a message shows that the subscription still works.
    for (let n = 0; n < 12; n++) await pass(10_000);
    expect(listens()).toBe(true);
    expect(await published()).toBeGreaterThan(0);

    proxy.silence();
    rest.silence();
    theirs.list.push('missed');
    await theirs.$flush();
    await pass(1000);
    expect(mine.list).toEqual([]);
    for (let n = 0; n < 30 && mine.list.length === 0; n++) await pass(10_000);
    expect(mine.list).toEqual(['missed']);
    await vi.waitFor(() => expect(listens()).toBe(true));
    theirs.list.push('told');
    await vi.waitFor(() => expect(mine.list).toEqual(['missed', 'told']));
    await mine.$close();
    await theirs.$close();
    await proxy.stop();
  },
);

test('subscription requests that are never answered are abandoned one by one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true });
  rest.hangStreams(true);
  const mem = await Memory.open<State>({ transport: upstash({ ...rest, live: true }), defaults: { list: [] } });
  for (let n = 0; n < 10; n++) await pass(10_000);
  expect(rest.streams).toBeLessThanOrEqual(1);
  rest.hangStreams(false);
  for (let n = 0; n < 10 && mem.$status.capabilities?.deltas === false; n++) await pass(10_000);
  expect(mem.$status.capabilities?.deltas).toBe(true);
  await mem.$close();
  await vi.waitFor(() => expect(rest.streams).toBe(0));
});

/** Advances the virtual clock by some milliseconds and lets messages arrive. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  for (let n = 0; n < 100; n++) await raw.ping();
}

async function published(): Promise<number> {
  const stats = String(await raw.sendCommand(['INFO', 'commandstats']));
  return Number(/cmdstat_publish:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

/** A proxy that can hold back the messages of present subscriptions. */
async function startSilenceable(port: number) {
  const lines = new Set<{ listens: boolean; silent: boolean }>();
  const proxy = createServer((socket) => {
    const line = { listens: false, silent: false };
    lines.add(line);
    const upstream = connect(port, '127.0.0.1');
    socket.on('data', (data) => {
      line.listens ||= data.includes('SUBSCRIBE');
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (!line.silent) socket.write(data);
    });
    const end = () => {
      upstream.destroy();
      socket.destroy();
    };
    for (const one of [socket, upstream]) one.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    silence: () => {
      for (const line of lines) line.silent = line.listens;
    },
    stop: () => new Promise((resolve) => proxy.close(resolve)),
  };
}
