// A server that is absent, goes away, or refuses.
import { createClient } from 'redis';
import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';
import { DurableRedis, once } from './redis.js';

describe('a server that is killed and restarted', () => {
  let redis: DurableRedis;
  beforeAll(async () => {
    redis = await DurableRedis.prepare();
  });
  afterAll(() => redis.remove());

  test('the server is absent at open: mutations wait', async () => {
    const mem = await Memory.open({ url: redis.url, offline: true, onError: () => {} });
    // The refusal may have come before the memory was given to this test.
    if (mem.$status.lastError === undefined) await once((listener) => mem.$on('disconnect', listener));
    expect(mem.$status).toMatchObject({ state: 'disconnected', pending: 0, lastError: { code: 'ERR_UNREACHABLE' } });
    mem.tasks = ['a'];
    mem.tasks.push('b');
    expect(mem.tasks).toEqual(['a', 'b']);
    expect(mem.$status.pending).toBe(2);
    await expect(mem.$flush({ timeout: 30 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    const connected = once((listener) => mem.$on('connect', listener));
    await redis.start();
    await connected;
    await mem.$flush();
    const { capabilities, sideKeys, ...status } = mem.$status;
    const settled = { stale: [], unknown: [], unreadable: [], pending: 0, pendingBytes: 0 };
    expect(status).toEqual({ state: 'connected', backend: 'redis', ...settled });
    expect([capabilities, sideKeys]).not.toContain(undefined);
    const other = await Memory.open({ url: redis.url });
    expect(other.tasks).toEqual(['a', 'b']);
    delete other.tasks;
    await Promise.all([mem.$close(), other.$close()]);
  });

  test('the queue is bounded: a mutation that does not fit throws, and none is dropped', async () => {
    await redis.kill();
    const mem = await Memory.open({ url: redis.url, offline: true, maxPendingBytes: 100_000 });
    mem.list = [];
    let pushed = 0;
    const error = await (async () => {
      for (;;) {
        mem.list.push('x'.repeat(50));
        pushed++;
        if (pushed % 10 === 0) await Promise.resolve();
      }
    })().catch((error) => error);
    expect(error).toMatchObject({ code: 'ERR_QUEUE_FULL', attribute: 'list' });
    expect(mem.list).toHaveLength(pushed);
    expect(mem.$status.pendingBytes).toBeGreaterThan(50_000);
    expect(mem.$status.pendingBytes).toBeLessThanOrEqual(100_000);
    expect(() => Object.assign(mem, { big: 'y'.repeat(100_000) })).toThrow(
      expect.objectContaining({ code: 'ERR_QUEUE_FULL' }),
    );
    await redis.start();
    await mem.$flush();
    expect(mem.$status.pendingBytes).toBe(0);
    mem.list.push('z');
    await mem.$flush();
    const other = await Memory.open({ url: redis.url });
    expect(other.list).toHaveLength(pushed + 1);
    expect(other).not.toHaveProperty('big');
    delete other.list;
    await Promise.all([mem.$close(), other.$close()]);
  });

  test('without a time limit, $flush and $close wait until the server is back', async () => {
    await redis.kill();
    const mem = await Memory.open({ url: redis.url, offline: true, exitTimeout: Number.POSITIVE_INFINITY });
    mem.patient = ['a'];
    const flushed = mem.$flush({ timeout: Number.POSITIVE_INFINITY });
    const closed = mem.$close();
    await redis.start();
    await Promise.all([flushed, closed]);
    const other = await Memory.open({ url: redis.url });
    expect(other.patient).toEqual(['a']);
    delete other.patient;
    await other.$close();
  });

  test('killed and restarted during 10,000 pushes: each is stored exactly once, in order', async () => {
    const mem = await Memory.open({ url: redis.url });
    const other = await Memory.open({ url: redis.url });
    mem.log = [];
    await mem.$flush();
    const events: string[] = [];
    mem.$on('disconnect', () => events.push('disconnect'));
    mem.$on('connect', () => events.push('connect'));
    mem.$on('error', (error) => events.push(error.code));

    let kills = 0;
    let connected: Promise<unknown> = Promise.resolve();
    for (let n = 0; n < 10_000; n++) {
      mem.log.push(n);
      // By then, commits are in every stage between the client and the disk.
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (n % 3000 === 2500) {
        kills++;
        await connected;
        await redis.kill();
        connected = once((listener) => mem.$on('connect', listener));
        const restarted = redis.start();
        mem.log.push(-n);
        await restarted;
      }
    }
    await mem.$flush();
    expect(kills).toBe(3);
    expect(events.filter((event) => event === 'disconnect').length).toBeGreaterThanOrEqual(kills);
    await other.$sync();
    const expected = Array.from({ length: 10_000 }, (_, n) => (n % 3000 === 2500 ? [n, -n] : [n])).flat();
    expect(asNumbers(other.log)).toEqual(expected);
    expect(asNumbers(mem.log)).toEqual(expected);
    delete mem.log;
    await Promise.all([mem.$close(), other.$close()]);
  });

  test('a cut connection and flushed scripts', async () => {
    const mem = await Memory.open({ url: redis.url });
    const raw = createClient({ url: redis.url });
    await raw.connect();
    mem.log = [];
    for (let n = 0; n < 300; n++) {
      mem.log.push(n);
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (n % 60 === 30) await raw.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
      if (n % 60 === 50) await raw.sendCommand(['SCRIPT', 'FLUSH']);
    }
    await mem.$flush();
    const stored = JSON.parse((await raw.get('memory:log')) as string);
    expect(stored.value).toEqual(Array.from({ length: 300 }, (_, n) => n));
    raw.destroy();
    await mem.$close();
  });
});

/** A plain array, which compares faster than a proxy. */
function asNumbers(list: Iterable<number>): number[] {
  return [...list];
}

describe('a server that refuses', () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let admin: ReturnType<typeof createClient>;
  const login = (user: string, password: string) => `redis://${user}:${password}@127.0.0.1:${server.port}`;

  beforeAll(async () => {
    server = await startRedisServer(['--requirepass', 'hunter2']);
    admin = createClient({ url: login('default', 'hunter2') });
    await admin.connect();
    await admin.sendCommand(['ACL', 'SETUSER', 'reader', 'on', '>r3ader', '~*', '+@all', '-@scripting']);
    await admin.set('memory:list', '{"value":[1],"last_modified":1763000000000000000}');
  });
  afterAll(async () => {
    admin.destroy();
    await server.stop();
  });

  test.each(['redis://127.0.0.1:PORT', 'redis://:s3cret@127.0.0.1:PORT', 'redis://default:s3cret@127.0.0.1:PORT/0'])(
    'a wrong login: %s',
    async (template) => {
      const url = template.replace('PORT', String(server.port));
      const error: SyncedMemoryError = await Memory.open({ url }).then(
        () => expect.unreachable('it opened'),
        (error) => error,
      );
      expect(error.code).toBe('ERR_AUTH');
      expect(error.message).toMatch(/in the URL|use redis:\/\/:PASSWORD@/);
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('s3cret');
      if (!onWasm) expect(() => Memory.openSync({ url })).toThrow(expect.objectContaining({ code: 'ERR_AUTH' }));
    },
  );

  test('no permission to write: rolled back, reported, and thrown by the flush', async () => {
    const errors: SyncedMemoryError[] = [];
    const mem = await Memory.open({ url: login('reader', 'r3ader'), onError: (error) => errors.push(error) });
    expect(mem.list).toEqual([1]);
    mem.list.push(2);
    await expect(mem.$flush()).rejects.toMatchObject({ code: 'ERR_REFUSED', attribute: 'list' });
    await mem.$sync();
    expect(mem.list).toEqual([1]);
    expect(mem.$status.pending).toBe(0);
    expect(errors.map((error) => [error.code, error.attribute])).toEqual([['ERR_REFUSED', 'list']]);
    await mem.$close();
    if (onWasm) return;

    const blocking = Memory.openSync({ url: login('reader', 'r3ader'), onError: () => {} });
    expect(() => blocking.list.push(2)).toThrow(expect.objectContaining({ code: 'ERR_REFUSED' }));
    expect(blocking.list).toEqual([1]);
    blocking[Symbol.dispose]();
  });

  test('one mutation is refused: $close still waits for the others', async () => {
    // The user may read everything, write the side keys of the prefix, and not write the dedup key of one attribute.
    const keys = ['~memory:*', '~sm:{memory:}*', '~sm:{memory:kept}*', '&*'];
    await admin.sendCommand(['ACL', 'SETUSER', 'half', 'on', '>ha1f', ...keys, '+@all']);
    await admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '1']);
    const mem = await Memory.open({ url: login('half', 'ha1f'), onError: () => {} });
    const refused = new Promise<void>((resolve) => {
      mem.$on('error', ({ code }) => {
        if (code === 'ERR_REFUSED') resolve();
      });
    });
    Object.assign(mem, { refused: 1, kept: 2 });
    const closed = mem.$close().catch((error) => error);
    // From here on the server accepts the other mutation.
    await refused;
    await admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '0']);
    expect(await closed).toMatchObject({ code: 'ERR_REFUSED', attribute: 'refused' });
    expect(await admin.get('memory:kept')).toContain('"value":2');
  });

  test('out of memory for a while: mutations wait', async () => {
    const mem = await Memory.open({ url: login('default', 'hunter2'), onError: () => {} });
    await admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '1']);
    mem.full = ['x'];
    const error = await once<SyncedMemoryError>((listener) => mem.$on('error', listener));
    expect(error).toMatchObject({
      code: 'ERR_BUSY',
      message: expect.stringMatching(/^the server is out of memory \(maxmemory\); [^@]*; trying again$/),
    });
    expect(mem.$status).toMatchObject({ pending: 1, lastError: { code: 'ERR_BUSY' } });
    await admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '0']);
    await mem.$flush();
    expect(await admin.get('memory:full')).toContain('["x"]');
    await mem.$close();
  });
});

test.each([
  ['http://localhost', /redis/],
  ['localhost:6379', /redis/],
  ['redis://user:s3cret@', /./],
  ['redis://user:s3cret@host:notaport', /./],
  ['redis+cluster://user:s3cret@host/1', onWasm ? /./ : /no database but 0/],
  ['redis+sentinel://user:s3cret@host', onWasm ? /./ : /name-of-the-master/],
  ['file:', /./],
])('a URL that cannot be used: %s', async (url, message) => {
  const error: SyncedMemoryError = await Memory.open({ url }).then(
    () => expect.unreachable('it opened'),
    (error) => error,
  );
  expect(error).toMatchObject({ code: 'ERR_OPTIONS', message: expect.stringMatching(message) });
  expect(`${error.stack}`).not.toContain('s3cret');
});

test.each([
  [{ url: '' }],
  [{ prefix: '' }],
  [{ maxDocumentBytes: 0 }],
  [{ maxDocumentBytes: Number.NaN }],
  [{ timeout: -1 }],
  [{ openTimeout: 0 }],
  [{ openTimeout: -1 }],
  [{ openTimeout: Number.NaN }],
  [{ openTimeout: '5' }],
  [{ offline: 'yes' }],
  [{ uri: 'redis://localhost' }],
  [{ names: 'tasks' }],
  [{ maxDocumentBytes: 1.5 }],
  [{ maxDocumentBytes: Number.POSITIVE_INFINITY }],
  [{ exitTimeout: Number.NaN }],
  [{ prefix: '\ud800' }],
  [{ onError: 'log' }],
])('options that cannot be used: %o', async (options) => {
  await expect(Memory.open({ url: 'memory:', ...(options as object) })).rejects.toMatchObject({
    code: 'ERR_OPTIONS',
    message: expect.stringContaining(Object.keys(options)[0] as string),
  });
});

test('the URL may be a URL object', async () => {
  const mem = await Memory.open(new URL('memory://by-url'));
  expect(mem.$status.backend).toBe('memory');
  await mem.$close();
});

test('names, time limits and events that do not exist are refused', async () => {
  for (const name of ['', '$x', '_x', 'a:b', '\ud800', 1 as unknown as string]) {
    await expect(Memory.open({ url: 'memory:', names: ['a', name] })).rejects.toMatchObject({
      code: 'ERR_RESERVED_NAME',
    });
  }
  await using mem = await Memory.open('memory:');
  for (const timeout of [Number.NaN, -1, '5' as unknown as number]) {
    expect(() => mem.$flushSync(timeout)).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS' }));
    await expect((async () => mem.$flush({ timeout }))()).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  }
  const on = mem.$on as (event: string, listener: unknown) => unknown;
  expect(() => on.call(mem, 'changed', () => {})).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS' }));
  expect(() => on.call(mem, 'error', undefined)).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS' }));
});

test.skipIf(onWasm)('a blocking call gives up after its timeout, and loses nothing', async () => {
  const server = await startRedisServer();
  const mem = Memory.openSync({ url: server.url, timeout: 300 });
  const admin = createClient({ url: server.url });
  await admin.connect();
  mem.x = 1;
  await admin.sendCommand(['CLIENT', 'PAUSE', '1000', 'ALL']);
  expect(() => Object.assign(mem, { x: 2 })).toThrow(expect.objectContaining({ code: 'ERR_TIMEOUT' }));
  expect(mem.$status.pending).toBe(1);
  await mem.$flush();
  expect(await admin.get('memory:x')).toContain('"value":2');
  admin.destroy();
  await mem.$close();
  await server.stop();
});
