// Uses `synced-memory/testing` as a user's suite does.
import { Memory, TestServer, VirtualClock } from 'synced-memory/testing';
import { beforeEach, describe, expect, test, vi } from 'vitest';

interface State {
  tasks: string[];
  count: number;
}

let clock: VirtualClock;
let server: TestServer;
beforeEach(() => {
  clock = new VirtualClock();
  server = new TestServer(clock);
});

const open = (options = {}) => Memory.open<State>({ transport: server.transport(), onError: () => {}, ...options });

test('several memories on one server receive the changes of each other', async () => {
  await using one = await open();
  await using two = await open();
  one.tasks = ['a'];
  await one.$flush();
  await clock.advance(0);
  expect(two.tasks).toEqual(['a']);
  two.tasks.push('b');
  await two.$flush();
  await clock.advance(0);
  expect(one.tasks).toEqual(['a', 'b']);
  expect(JSON.parse(server.read('memory:tasks') as string).value).toEqual(['a', 'b']);
});

test('revisions come from virtual time and increase while it stands still', async () => {
  await using mem = await open();
  mem.count = 1;
  await mem.$flush();
  const first = mem.$lastModified('count') as bigint;
  // Each writer adds its own offset of less than a microsecond.
  const own = first - BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;
  expect(own >= 0n && own < 1_000n).toBe(true);
  mem.count = 2;
  await mem.$flush();
  // Each writer adds its own offset of less than a microsecond.
  const above = Number((mem.$lastModified('count') as bigint) - first);
  expect(above).toBeGreaterThan(0);
  expect(above).toBeLessThanOrEqual(1_000);
  await clock.advance(1000);
  mem.count = 3;
  await mem.$flush();
  expect(mem.$lastModified('count')).toBe(first + 1_000_000_000n);
});

test('an expired attribute is gone in every memory', async () => {
  await using one = await Memory.open<State>({ transport: server.transport(), ttl: 60 });
  await using two = await open();
  one.tasks = ['a'];
  one.count = 1;
  await one.$expire('count', 30 * 24 * 3600);
  await clock.advance(40_000);
  two.tasks.push('b');
  await two.$flush();
  expect(await two.$ttl('tasks')).toBe(20);
  await clock.advance(19_999);
  expect([one.tasks, two.tasks]).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
  await clock.advance(1);
  expect([one.tasks, two.tasks]).toEqual([undefined, undefined]);
  expect(server.read('memory:tasks')).toBeUndefined();
  // Longer than a timer runs.
  await clock.advance(30 * 24 * 3600 * 1000 - 60_001);
  expect([one.count, two.count]).toEqual([1, 1]);
  await clock.advance(1);
  expect([one.count, two.count]).toEqual([undefined, undefined]);
});

test('a delayed reply acknowledges only after the delay', async () => {
  await using mem = await open();
  server.failNext({ delay: 300 });
  mem.count = 1;
  await clock.advance(299);
  expect(mem.$status.pending).toBe(1);
  await clock.advance(1);
  expect(mem.$status.pending).toBe(0);
});

describe('a failed request is repeated and applied once', () => {
  test.each(['reject', 'lose', 'garble'] as const)('%s', async (fault) => {
    await using mem = await open();
    mem.tasks = [];
    await mem.$flush();
    const lost: string[] = [];
    mem.$on('disconnect', ({ code }) => lost.push(code));
    server.failNext(fault, fault);
    mem.tasks.push('once');
    await clock.advance(0);
    expect(mem.$status).toMatchObject({ state: 'disconnected', pending: 1, lastError: { code: 'ERR_UNREACHABLE' } });
    await clock.advance(5000);
    expect(mem.$status).toMatchObject({ state: 'connected', pending: 0 });
    expect(lost).toEqual(['ERR_UNREACHABLE']);
    expect(JSON.parse(server.read('memory:tasks') as string).value).toEqual(['once']);
  });

  test.each(['hang', 'drop'] as const)('%s: abandoned after 20 seconds', async (fault) => {
    await using mem = await open();
    mem.tasks = [];
    await mem.$flush();
    server.failNext(fault);
    mem.tasks.push('once');
    await clock.advance(19_000);
    expect(mem.$status).toMatchObject({ state: 'connected', pending: 1 });
    await clock.advance(3_000);
    expect(mem.$status).toMatchObject({ state: 'connected', pending: 0 });
    expect(JSON.parse(server.read('memory:tasks') as string).value).toEqual(['once']);
  });
});

test('an unreachable server that comes back', async () => {
  server.disconnect();
  await using mem = await open({ offline: true });
  await clock.advance(0);
  expect(mem.$status.state).toBe('disconnected');
  mem.tasks = ['kept'];
  await clock.advance(60_000);
  const { requests } = server;
  expect(mem.$status.pending).toBe(1);
  await clock.advance(60_000);
  // The retries are between one and two seconds apart.
  expect(server.requests - requests).toBeGreaterThanOrEqual(29);
  expect(server.requests - requests).toBeLessThanOrEqual(61);
  server.reconnect();
  await clock.advance(2_000);
  expect(mem.$status).toMatchObject({ state: 'connected', pending: 0 });
  expect(server.read('memory:tasks')).toContain('["kept"]');
});

test('a foreign write merges with pending mutations', async () => {
  await using mem = await open();
  mem.tasks = ['a', 'b'];
  await mem.$flush();
  await clock.advance(1);
  server.write('memory:tasks', ['a', 'b', 'from Python']);
  mem.tasks.unshift('first');
  await mem.$flush();
  expect(mem.tasks).toEqual(['first', 'a', 'b', 'from Python']);
  server.delete('memory:tasks');
  await clock.advance(0);
  expect('tasks' in mem).toBe(false);
});

test('no timer is left when nothing is pending', async () => {
  const timers = new Set<() => void>();
  const counting = {
    unix: () => clock.unix(),
    monotonic: () => clock.monotonic(),
    random: () => 0.5,
    after(ms: number, call: () => void) {
      const cancel = clock.after(ms, () => {
        timers.delete(cancel);
        call();
      });
      timers.add(cancel);
      return () => {
        timers.delete(cancel);
        cancel();
      };
    },
  };
  const own = new TestServer(counting);
  const mem = await Memory.open<State>({ transport: own.transport(), onError: () => {}, exitTimeout: 20 });
  mem.tasks = ['a'];
  await mem.$flush();
  // The memory asks for the server's policy of eviction, too, which a flush does not wait for.
  await clock.advance(0);
  expect(timers.size).toBe(0);
  own.failNext('hang');
  mem.tasks.push('b');
  await clock.advance(0);
  expect(timers.size).toBe(1);
  const closed = expect(mem.$close()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  await clock.advance(20);
  await closed;
  expect(timers.size).toBe(0);
});

test('closing waits at most a second for a server that does not answer', async () => {
  const mem = await open();
  mem.tasks = ['a'];
  await mem.$flush();
  await clock.advance(0);
  server.failNext('hang');
  let isClosed = false;
  const closed = mem.$close().then(() => {
    isClosed = true;
  });
  await clock.advance(999);
  expect(isClosed).toBe(false);
  await clock.advance(1);
  await closed;
  expect(mem.$status.state).toBe('closed');
});

test('scopes over one transport receive the changes of each other, unless they are disconnected', async () => {
  const server = new TestServer();
  const root = await Memory.open({ transport: server.transport() });
  const [a, b] = [await root.$scope('a'), await root.$scope('a')];
  const otherRoot = await Memory.open({ transport: server.transport() });
  const other = await otherRoot.$scope('a');
  a.list = [1];
  await a.$flush();
  await vi.waitFor(() => expect([b.list, other.list]).toEqual([[1], [1]]));
  const { requests } = server;
  a.list.push(2);
  await a.$flush();
  await vi.waitFor(() =>
    expect([b.list, other.list]).toEqual([
      [1, 2],
      [1, 2],
    ]),
  );
  // One request commits it. The other memory receives the delta and sends no request.
  expect(server.requests - requests).toBe(1);
  server.write('memory:a:list', ['foreign']);
  await vi.waitFor(() => expect([a.list, b.list, other.list]).toEqual([['foreign'], ['foreign'], ['foreign']]));

  server.disconnect();
  server.write('memory:a:list', ['unheard']);
  // Messages within the process have arrived by then.
  await new Promise((resolve) => setImmediate(resolve));
  expect(b.list).toEqual(['foreign']);
  expect(b.$status.capabilities?.deltas).toBe(false);
  server.reconnect();
  await vi.waitFor(() => expect(b.list).toEqual(['unheard']), 5_000);
  for (const mem of [a, b, other, otherRoot, root]) await mem.$close();
});
