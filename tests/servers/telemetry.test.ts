// The messages on the tracing channels of `node:diagnostics_channel`, on every backend.
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { apart, type Backend, backends, kinds } from './backends.js';

type Message = Record<string, unknown>;

const names = ['open', 'commit', 'merge', 'resync', 'reject', 'connection'] as const;
const ends: (() => void)[] = [];

/** Collects the events of all channels as `[channel, event, context]`. */
function observe(): [name: string, event: string, context: Message][] {
  const events: [string, string, Message][] = [];
  for (const name of names) {
    const on = (event: string) => (message: unknown) => void events.push([name, event, message as Message]);
    const handlers = {
      start: on('start'),
      end: on('end'),
      asyncStart: on('asyncStart'),
      asyncEnd: on('asyncEnd'),
      error: on('error'),
    };
    const channel = tracingChannel(`synced-memory:${name}`);
    channel.subscribe(handlers);
    ends.push(() => channel.unsubscribe(handlers));
  }
  return events;
}

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

describe.each(kinds)('on %s', (kind) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await backends[kind]();
  });
  afterAll(() => backend.stop());

  test('opening, connecting and commits are operations with a beginning and an end', async () => {
    const events = observe();
    await using mem = await Memory.open(backend.url);
    const source = { prefix: 'memory:', backend: mem.$status.backend };
    expect(events.filter(([name]) => name === 'open').map(([, event]) => event)).toEqual([
      'start',
      'end',
      'asyncStart',
      'asyncEnd',
    ]);
    expect(events.find(([name]) => name === 'open')?.[2]).toMatchObject({ ...source, outcome: 'opened' });
    expect(events.find(([name]) => name === 'connection')?.[2]).toMatchObject({ ...source, outcome: 'connected' });

    events.length = 0;
    mem.secrets = ['hunter2'];
    mem.secrets.push('hunter3');
    mem.other = 1;
    await mem.$flush();
    const commits = events.filter(([name, event]) => name === 'commit' && event === 'asyncEnd');
    const bytes = expect.any(Number);
    const revision = (name: string) => String(mem.$lastModified(name));
    const acknowledged = { ...source, outcome: 'acknowledged', attempts: 1, isGroup: false };
    expect(commits.map(([, , context]) => context)).toEqual([
      expect.objectContaining({ ...acknowledged, attribute: 'secrets', mutations: 2, revision: revision('secrets') }),
      expect.objectContaining({
        ...acknowledged,
        attribute: 'other',
        mutations: 1,
        bytes,
        revision: revision('other'),
      }),
    ]);
    expect(JSON.stringify(events)).not.toContain('hunter');
    await deleteAll(mem);
  });

  test('a merge is told with what it dropped', async () => {
    await using mine = await Memory.open(backend.url);
    await using theirs = await Memory.open(apart(backend.url));
    mine.config = { theme: { name: 'dark' } };
    await mine.$flush();
    await theirs.$sync();
    const events = observe();
    const conflicts: unknown[] = [];
    for (const mem of [mine, theirs]) mem.$on('conflict', (conflict) => conflicts.push(conflict));
    // Each commits before it hears of the other.
    mine.config.theme.name = 'light';
    delete theirs.config.theme;
    await Promise.all([mine.$flush(), theirs.$flush()]);
    await Promise.all([mine.$sync(), theirs.$sync()]);
    await vi.waitFor(() => expect(mine.$snapshot()).toEqual(theirs.$snapshot()));
    const merges = events
      .filter(([name, event]) => name === 'merge' && event === 'end')
      .map(([, , context]) => context);
    const dropped = merges.reduce((sum, { conflicts: count }) => sum + Number(count), 0);
    expect(dropped).toBe(conflicts.length);
    for (const merge of merges) expect(merge).toMatchObject({ attribute: 'config', prefix: 'memory:' });
    await deleteAll(mine);
  });

  test('a commit runs in the asynchronous context of its first mutation', async () => {
    const requests = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const subscriber = () => void seen.push(requests.getStore());
    tracingChannel('synced-memory:commit').start.subscribe(subscriber);
    ends.push(() => void tracingChannel('synced-memory:commit').start.unsubscribe(subscriber));
    await using mem = await Memory.open(backend.url);
    await requests.run('request 7', async () => {
      mem.x = 1;
    });
    await mem.$flush();
    expect(seen).toEqual(['request 7']);
    await deleteAll(mem);
  });

  test('the parts of a batch are told as parts of a group', async () => {
    await using mem = await Memory.open(backend.url);
    const events = observe();
    mem.$batch(() => {
      mem['{g}a'] = 1;
      mem['{g}b'] = 2;
    });
    await mem.$flush();
    const commits = events.filter(([name, event]) => name === 'commit' && event === 'asyncEnd');
    expect(commits.map(([, , { attribute, isGroup, outcome }]) => [attribute, isGroup, outcome])).toEqual([
      ['{g}a', true, 'acknowledged'],
      ['{g}b', true, 'acknowledged'],
    ]);
    await deleteAll(mem);
  });
});

async function deleteAll(mem: Memory): Promise<void> {
  for (const name of Object.keys(mem)) delete mem[name];
  await mem.$flush();
}

test('what the server refuses is told, and what is read again', async () => {
  const redis = await backends.redis();
  const client = createClient({ url: redis.url });
  await client.connect();
  onTestFinished(async () => {
    client.destroy();
    await redis.stop();
  });
  await client.set('memory:other', '{"value":1,"last_modified":1}');
  await client.sendCommand(['ACL', 'SETUSER', 'reader', 'on', '>pass', '~*', '&*', '+@all', '-eval', '-evalsha']);
  const mem = await Memory.open({ url: redis.url.replace('//', '//reader:pass@'), onError: () => {} });
  const events = observe();
  mem.wrong = 1;
  await expect(mem.$flush()).rejects.toThrow();
  const outcomes = () => events.filter(([name, event]) => name === 'commit' && event === 'asyncEnd');
  expect(outcomes().map(([, , { outcome, error }]) => [outcome, (error as { code: string }).code])).toEqual([
    ['rejected', 'ERR_REFUSED'],
  ]);
  expect(events.filter(([name]) => name === 'reject').map(([, event, { attribute }]) => [event, attribute])).toEqual([
    ['start', 'wrong'],
    ['error', 'wrong'],
    ['end', 'wrong'],
  ]);
  // Another program writes: the document is read again.
  await client.set('memory:other', '{"value":[2],"last_modified":2}');
  await vi.waitFor(() => expect(mem.other).toEqual([2]), 10_000);
  expect(
    events.filter(([name, event]) => name === 'resync' && event === 'end').map(([, , context]) => context),
  ).toEqual([expect.objectContaining({ attribute: 'other', bytes: '{"value":[2],"last_modified":2}'.length })]);
  await mem.$close();
});

test('a memory that cannot be reached is told without its password', async () => {
  const events = observe();
  const url = 'redis://user:s3cret@127.0.0.1:1/2';
  await expect(Memory.open({ url, openTimeout: 50 })).rejects.toThrow();
  const source = { backend: 'redis', address: '127.0.0.1', port: 1, database: 2 };
  const ended = events.filter(([, event]) => event === 'asyncEnd');
  expect(ended.map(([name, , context]) => [name, context])).toEqual([
    ['connection', expect.objectContaining({ ...source, outcome: 'closed' })],
    [
      'open',
      expect.objectContaining({
        ...source,
        outcome: 'failed',
        error: expect.objectContaining({ code: 'ERR_UNREACHABLE' }),
      }),
    ],
  ]);
  expect(JSON.stringify(events)).not.toContain('s3cret');
});
