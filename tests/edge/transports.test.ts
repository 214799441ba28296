// Runs every transport against a real server.
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { type Command, init, Memory, PrefixedMemory, type SyncedMemoryError, type Transport } from 'synced-memory/edge';
import { ioredis } from 'synced-memory/transports/ioredis';
import { memory } from 'synced-memory/transports/memory';
import { nodeRedis } from 'synced-memory/transports/node-redis';
import { upstash } from 'synced-memory/transports/upstash';
import { type Socket, workersTcp } from 'synced-memory/transports/workers-tcp';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { startUpstashServer, type UpstashServer } from './upstash-server.js';

let server: Awaited<ReturnType<typeof startRedisServer>>;
let raw: ReturnType<typeof createClient>;
let other: Redis;
let rest: Record<'upstash' | 'another server', UpstashServer>;

beforeAll(async () => {
  server = await startRedisServer();
  raw = createClient({ url: server.url });
  await raw.connect();
  other = new Redis(server.port);
  rest = {
    upstash: await startUpstashServer(server.url, { takesHeader: true }),
    'another server': await startUpstashServer(server.url, { takesHeader: false }),
  };
});
afterAll(async () => {
  await Promise.all(Object.values(rest).map((one) => one.stop()));
  other.disconnect();
  raw.destroy();
  await server.stop();
});
beforeEach(async () => {
  await raw.flushAll();
  await raw.sendCommand(['SCRIPT', 'FLUSH']);
});

function tcp(port: number, options: { password?: string; database?: number } = {}): Transport {
  return workersTcp({
    hostname: '127.0.0.1',
    port,
    connect: ({ hostname, port }) => Duplex.toWeb(connect(port, hostname)) as unknown as Socket,
    ...options,
  });
}

/** A transport that records its requests and cannot subscribe. */
function observed(inner: Transport, see: (commands: Command[]) => void): Transport {
  return {
    execute(commands, signal) {
      see(commands);
      return inner.execute(commands, signal);
    },
    close: () => inner.close?.(),
  };
}

const transports: Record<string, () => Transport> = {
  'node-redis': () => nodeRedis(raw),
  ioredis: () => ioredis(other),
  'workers-tcp': () => tcp(server.port),
  upstash: () => upstash(rest.upstash),
  'upstash, on another server': () => upstash(rest['another server']),
};

describe.each(Object.keys(transports))('%s', (name) => {
  const transport = () => (transports[name] as () => Transport)();

  test('a memory writes, another reads, and the stored text is that of the Python package', async () => {
    await using mem = await Memory.open({ transport: transport() });
    await using peer = await Memory.open({ transport: transport() });
    mem.tasks = ['draft'];
    mem.tasks.push('schön', '\u{1f600}');
    mem.config = { theme: 'dark', 'a b': null, n: 12345678901234567890n };
    await mem.$flush();
    await peer.$sync();
    peer.tasks.splice(0, 1);
    peer.config.theme = 'light';
    await peer.$flush();
    await mem.$sync();
    expect(mem.tasks).toEqual(['schön', '\u{1f600}']);
    expect(mem.config).toEqual({ theme: 'light', 'a b': null, n: 12345678901234567890n });
    expect(await raw.get('memory:tasks')).toMatch(/^\{"value":\["schön","\u{1f600}"\],"last_modified":\d{19}\} *$/u);
    expect(mem.$status).toMatchObject({ state: 'connected', pending: 0 });
  });

  test('stored bytes that are not a document', async () => {
    await raw.lPush('memory:list', 'x');
    await raw.set('memory:text', Buffer.from([0x7b, 0xff, 0xfe]));
    const errors: string[] = [];
    await using mem = await Memory.open({ transport: transport(), onError: ({ code }) => errors.push(code) });
    expect(() => mem.list).toThrow(expect.objectContaining({ code: 'ERR_WRONG_TYPE' }));
    expect(() => mem.text).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }));
    mem.list = [1];
    await mem.$flush();
    expect(await raw.get('memory:list')).toContain('{"value":[1]');
  });

  test('over a transport that lives for a request: one request per mutation, and one to open by name', async () => {
    await using warm = await Memory.open({ transport: transport() });
    warm.x = [0];
    await warm.$flush();
    let requests = 0;
    const counted = observed(transport(), () => requests++);
    const options = { names: ['x'], defaults: { x: [], absent: undefined } };
    await using mem = await Memory.open({ transport: { ...counted, lifetime: 'request' }, ...options });
    expect([requests, mem.$status.unknown]).toEqual([1, []]);
    mem.x.push(1);
    await mem.$flush();
    expect(requests).toBe(2);
    for (let n = 0; n < 100; n++) mem.x.push(n);
    await mem.$flush();
    expect(requests).toBe(3);
  });

  test('over one that lives as long as the process: a request more, for the eviction policy', async () => {
    const names: unknown[] = [];
    const counted = observed(transport(), (commands) => names.push(...commands.map(([name]) => name)));
    await using mem = await Memory.open({ transport: { ...counted, lifetime: 'process' }, names: ['x'] });
    await vi.waitFor(() => expect(names).toContain('INFO'));
    mem.x = 1;
    await mem.$flush();
    expect(names.filter((name) => name === 'INFO')).toHaveLength(1);
  });

  test('thousands of commits at once to a server without the script', async () => {
    await raw.sendCommand(['CONFIG', 'RESETSTAT']);
    const sizes: number[] = [];
    const measured = observed(transport(), (commands) => {
      sizes.push(commands.flat().reduce((sum, { length }) => sum + length, 0));
    });
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    await using mem = await Memory.open({ transport: measured });
    const count = 5_000;
    for (let n = 0; n < count; n++) mem[`v${n}`] = { n };
    await mem.$flush();
    expect(await raw.keys('memory:v*')).toHaveLength(count);
    const stats = await raw.info('commandstats');
    expect(Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1])).toBeLessThanOrEqual(2);
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  test('a hundred appends of two writers at once', async () => {
    const [one, two] = [await Memory.open({ transport: transport() }), await Memory.open({ transport: transport() })];
    one.log = [];
    await one.$flush();
    await two.$sync();
    for (let n = 0; n < 100; n++) {
      one.log.push(n);
      two.log.push(-n);
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all([one.$flush(), two.$flush()]);
    await Promise.all([one.$close(), two.$close()]);
    const stored: number[] = JSON.parse((await raw.get('memory:log')) as string).value;
    expect(stored.filter((n) => n > 0)).toEqual(Array.from({ length: 99 }, (_, n) => n + 1));
    expect(stored).toHaveLength(200);
  });
});

describe('upstash', () => {
  test('locks only keys, returns its sync token, and caches the script', async () => {
    const { requests } = rest.upstash;
    requests.length = 0;
    await using mem = await Memory.open({ transport: upstash(rest.upstash), names: ['x'] });
    mem.x = 1;
    await mem.$flush();
    mem.x = 2;
    await mem.$flush();
    const scripts = requests.flatMap(({ commands }) => commands).filter(([name]) => name?.startsWith('EVAL'));
    expect(scripts.at(-1)?.[0]).toBe('EVALSHA');
    for (const [name, script] of scripts)
      if (name === 'EVAL') expect(script).toMatch(/^#!lua flags=allow-key-locking\n/);
    expect(requests[0]?.syncToken).toBeUndefined();
    expect(requests.at(-1)?.syncToken).toBe(`sync-${requests.length - 1}`);
  });

  test.each([
    { url: undefined, token: 'token' },
    { url: 'invalid arguments', token: 'token' },
    { url: 'redis://localhost', token: 'token' },
    { url: 'https://name.upstash.io', token: undefined },
    { url: 'https://name.upstash.io', token: '' },
    undefined,
  ])('%o is not what it takes', (options) => {
    expect(() => upstash(options as never)).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS' }));
  });

  test('a wrong token, and a temporary failure status', async () => {
    const { url } = rest.upstash;
    const error: SyncedMemoryError = await Memory.open({ transport: upstash({ url, token: 's3cret' }) }).then(
      () => expect.unreachable('it opened'),
      (error) => error,
    );
    expect(error.code).toBe('ERR_AUTH');
    expect(error.message).not.toContain('s3cret');

    await using mem = await Memory.open({ transport: upstash(rest.upstash), onError: () => {} });
    const lost: string[] = [];
    mem.$on('disconnect', ({ message }) => lost.push(message));
    rest.upstash.failNext(503);
    rest.upstash.failNext(500);
    mem.x = ['once'];
    await mem.$flush();
    expect(lost).toEqual([expect.stringContaining('503')]);
    expect(await raw.get('memory:x')).toContain('["once"]');
  });

  test('a commit that is too large for a request is refused, and no other one', async () => {
    await using mem = await Memory.open({ transport: upstash(rest.upstash), onError: () => {} });
    rest.upstash.limitTo(60_000);
    try {
      for (let n = 0; n < 20; n++) mem[`v${n}`] = 'x'.repeat(5_000);
      mem.large = 'x'.repeat(100_000);
      mem.last = 1;
      await expect(mem.$flush()).rejects.toMatchObject({ code: 'ERR_REFUSED', attribute: 'large' });
      await mem.$flush();
    } finally {
      rest.upstash.limitTo(10_000_000);
    }
    expect(await raw.keys('memory:v*')).toHaveLength(20);
    expect([mem.large, mem.last, mem.$status.pending]).toEqual([undefined, 1, 0]);
  });
});

describe('workers-tcp', () => {
  test('logs in, and reports a refused login', async () => {
    const locked = await startRedisServer(['--requirepass', 'hunter2']);
    const good = await Memory.open({ transport: tcp(locked.port, { password: 'hunter2', database: 3 }) });
    good.x = 1;
    await good.$close();
    const admin = createClient({ url: `redis://:hunter2@127.0.0.1:${locked.port}/3` });
    await admin.connect();
    expect(await admin.get('memory:x')).toContain('"value":1');
    admin.destroy();
    for (const options of [{ password: 's3cret' }, {}]) {
      await expect(Memory.open({ transport: tcp(locked.port, options) })).rejects.toMatchObject({
        code: 'ERR_AUTH',
        message: expect.not.stringContaining('s3cret'),
      });
    }
    await locked.stop();
  });

  test('a cut connection is made again', async () => {
    const own = await startRedisServer();
    const admin = createClient({ url: own.url });
    await admin.connect();
    const mem = await Memory.open({ transport: tcp(own.port) });
    mem.log = [];
    for (let n = 0; n < 60; n++) {
      mem.log.push(n);
      if (n % 20 === 10) await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    }
    await mem.$flush();
    const stored = JSON.parse((await admin.get('memory:log')) as string).value;
    expect(stored).toEqual(Array.from({ length: 60 }, (_, n) => n));
    await mem.$close();
    admin.destroy();
    await own.stop();
  });

  test('a value of 5 MB arrives in pieces', async () => {
    await using mem = await Memory.open({ transport: tcp(server.port) });
    mem.big = 'ä'.repeat(2_500_000);
    await mem.$flush();
    await using peer = await Memory.open({ transport: tcp(server.port) });
    expect(peer.big).toBe(mem.big);
  });
});

test('in process: memories of one name share a server and receive the changes of each other', async () => {
  await using one = await Memory.open({ transport: memory('shared') });
  await using two = await PrefixedMemory.open('scope', { transport: memory('shared') });
  await using three = await Memory.open({ transport: memory('shared') });
  one.x = [1];
  await one.$flush();
  await three.$sync();
  const heard = new Promise<void>((resolve) => {
    const poll = () => (three.x.length === 2 ? resolve() : setImmediate(poll));
    poll();
  });
  one.x.push(2);
  await heard;
  expect('x' in two).toBe(false);
});

test('blocking calls and unsupported URLs throw an error that says why', async () => {
  await using mem = await Memory.open('memory:');
  mem.x = 1;
  const absent = { code: 'ERR_NOT_SUPPORTED', message: expect.stringMatching(/blocks.*\$flush\(\)/) };
  expect(() => mem.$flushSync()).toThrow(expect.objectContaining(absent));
  expect(() => Memory.openSync('memory:')).toThrow(expect.objectContaining(absent));
  for (const options of ['redis://127.0.0.1', { transport: {} }, { transport: memory(), url: 'memory:' }]) {
    await expect(Memory.open(options as string)).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  }
  const { Memory: OnAddon } = await import('synced-memory');
  if (process.env.SYNCED_MEMORY_BUILD !== 'wasm') {
    await expect(OnAddon.open({ transport: memory() })).rejects.toMatchObject({
      code: 'ERR_OPTIONS',
      message: expect.stringContaining('synced-memory/edge'),
    });
  }
  // No second wasm instance is made.
  await init(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  expect(mem.x).toBe(1);
});
