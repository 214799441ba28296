// Writers with labels: who made a change.
import { hostname } from 'node:os';
import { createClient } from 'redis';
import { type Change, Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { apart, type Backend, backends, kinds } from './backends.js';

describe.each(kinds)('on %s', (kind) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await backends[kind]();
  });
  afterAll(() => backend.stop());

  test('changes of other processes name their writer', async () => {
    await using named = await Memory.open({ url: backend.url, writer: 'billing-3: Zoë' });
    await using plain = await Memory.open(apart(backend.url));
    const seen: Change[] = [];
    const own: Change[] = [];
    plain.$on('change', (change) => seen.push(change));
    named.$on('change', (change) => own.push(change));
    named.list = [1];
    await vi.waitFor(() => expect(plain.list).toEqual([1]));
    named.list.push(2);
    await vi.waitFor(() => expect(plain.list).toEqual([1, 2]));
    delete named.list;
    await vi.waitFor(() => expect(plain.list).toBeUndefined());
    expect(seen.every(({ origin }) => origin === 'remote')).toBe(true);
    // A change that was read, because its message came late, names no writer.
    const writers = seen.flatMap(({ writer }) => writer ?? []);
    expect(new Set(writers.map(({ label }) => label))).toEqual(new Set(['billing-3: Zoë']));
    const ids = new Set(writers.map(({ id }) => id));
    expect([...ids]).toEqual([expect.stringMatching(/^[\w-]{22}$/)]);
    expect(own.every(({ writer }) => writer === undefined)).toBe(true);
    expect(JSON.parse(JSON.stringify(seen.find((change) => change.writer)))).toMatchObject({
      writer: { label: 'billing-3: Zoë' },
    });

    // A writer without a label has an id all the same.
    plain.other = 1;
    await vi.waitFor(() => expect(named.other).toBe(1));
    const { writer } = own.at(-1) as Change;
    expect(writer).toEqual({ id: expect.stringMatching(/^[\w-]{22}$/) });
    expect(ids.has(writer?.id ?? '')).toBe(false);
    delete plain.other;
    await plain.$flush();
  });

  test('processes with a label are listed while they have the memory open', async () => {
    const start = Date.now();
    await using plain = await Memory.open(apart(backend.url));
    const first = await Memory.open({ url: backend.url, writer: 'first' });
    await vi.waitFor(async () => expect(await plain.$writers()).toHaveLength(1));
    const second = await Memory.open({ url: backend.url, writer: 'second' });
    await vi.waitFor(async () => expect(await plain.$writers()).toHaveLength(2));
    const writers = await plain.$writers();
    expect(writers.map(({ label }) => label)).toEqual(['second', 'first']);
    for (const { id, host, since, lastSeen } of writers) {
      expect(id).toMatch(/^[\w-]{22}$/);
      expect(host).toBe(hostname());
      expect(since.getTime()).toBeGreaterThanOrEqual(start - 50);
      expect(lastSeen.getTime()).toBeGreaterThanOrEqual(since.getTime());
      expect(lastSeen.getTime()).toBeLessThanOrEqual(Date.now());
    }
    expect(await first.$writers()).toHaveLength(2);
    // A scope is another memory.
    const scope = await first.$scope('listed');
    await vi.waitFor(async () => expect((await scope.$writers()).map(({ label }) => label)).toEqual(['first']));
    expect(await plain.$writers()).toHaveLength(2);
    await scope.$close();
    await first.$close();
    expect((await plain.$writers()).map(({ label }) => label)).toEqual(['second']);
    await second.$close();
    expect(await plain.$writers()).toEqual([]);
    await expect(second.$writers()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  test('a scope has the label of its memory, or its own', async () => {
    await using mem = await Memory.open({ url: backend.url, writer: 'parent' });
    await using scopes = await Memory.open(apart(backend.url));
    const inherited = await mem.$scope('room');
    const own = await mem.$scope('room', { writer: 'own' });
    inherited.x = 0;
    await inherited.$flush();
    const there = await scopes.$scope('room');
    const labels: unknown[] = [];
    there.$on('change', ({ writer }) => labels.push(writer?.label));
    inherited.x = 1;
    await vi.waitFor(() => expect(labels).toEqual(['parent']));
    await own.$sync();
    own.x = 2;
    await vi.waitFor(() => expect(labels).toEqual(['parent', 'own']));
    delete own.x;
    await own.$flush();
    await Promise.all([there, inherited, own].map((scope) => scope.$close()));
  });
});

test.each([
  ['', 'not empty'],
  ['a\nb', 'control characters'],
  ['\u001b[31m', 'control characters'],
  ['\u202e', 'control characters'],
  ['\ud800', 'control characters'],
  [3, 'must be a string'],
  ['x'.repeat(65), '65 bytes'],
  ['é'.repeat(33), '66 bytes'],
])('the label %j is refused', async (writer, reason) => {
  const opened = Memory.open({ url: 'memory:', writer: writer as string });
  await expect(opened).rejects.toMatchObject({ code: 'ERR_OPTIONS', message: expect.stringContaining(reason) });
});

describe('on a server', () => {
  const key = 'sm:{memory:}:writers';

  async function start() {
    const redis = await backends.redis();
    const client = createClient({ url: redis.url });
    await client.connect();
    onTestFinished(async () => {
      client.destroy();
      await redis.stop();
    });
    return { url: redis.url, client };
  }

  test('the list expires by itself, and tells how long ago a process gave a sign of life', async () => {
    const { url, client } = await start();
    const killed = await Memory.open({ url, writer: 'killed' });
    await using mem = await Memory.open(apart(url));
    await vi.waitFor(async () => expect(await client.pTTL(key)).toBeGreaterThan(80_000));
    // As if a minute had passed.
    await client.pExpire(key, 30_000);
    const [writer] = await mem.$writers();
    const age = Date.now() - (writer?.lastSeen.getTime() ?? 0);
    expect(age).toBeGreaterThanOrEqual(60_000);
    expect(age).toBeLessThan(65_000);
    // Another sign of life keeps that age, and makes the list live on.
    await using other = await Memory.open({ url, writer: 'other' });
    await vi.waitFor(async () => expect(await other.$writers()).toHaveLength(2));
    expect(await client.pTTL(key)).toBeGreaterThan(80_000);
    const listed = await other.$writers();
    expect(listed.map(({ label }) => label)).toEqual(['other', 'killed']);
    expect(Date.now() - (listed[1]?.lastSeen.getTime() ?? 0)).toBeGreaterThanOrEqual(60_000);
    // After 90 seconds without one, it is not listed.
    await client.pExpire(key, 31_000);
    expect((await other.$writers()).map(({ label }) => label)).toEqual(['other']);
    await killed.$close();
  });

  test('what others have written there is bounded and checked', async () => {
    const { url, client } = await start();
    await using mem = await Memory.open(url);
    const entries = [
      '0 5 abc.%1b%5b31m host',
      '0 5 <script> host',
      'nonsense',
      '0 5 abc.ok %0a',
      '0 99999999999999 abd h',
    ];
    await client.set(key, `${entries.join('\n')}\n`, { PX: 90_000 });
    const listed = await mem.$writers();
    expect(listed.map(({ id, label, host }) => [id, label, host])).toEqual([
      ['abc', undefined, 'host'],
      ['abc', 'ok', ''],
      ['abd', undefined, 'h'],
    ]);
    for (const { since } of listed) expect(since.toJSON()).not.toBeNull();
    await client.set(key, '0 5 abc host\n'.repeat(5000), { PX: 90_000 });
    expect(await mem.$writers()).toHaveLength(1000);
    await client.set(key, 'x'.repeat(2 << 20), { PX: 90_000 });
    expect(await mem.$writers()).toEqual([]);
    await client.del(key);
    await client.lPush(key, 'a list');
    await expect(mem.$writers()).rejects.toMatchObject({ code: 'ERR_REFUSED' });
  });

  test('without the option, a memory sends no command more', async () => {
    const { url, client } = await start();
    const count = async (writer?: string) => {
      await client.configResetStat();
      const mem = await Memory.open({ url: apart(url), ...(writer && { writer }) });
      mem.x = 1;
      await mem.$flush();
      if (writer) await vi.waitFor(async () => expect(await mem.$writers()).toHaveLength(1));
      await mem.$close();
      const stats = await client.info('commandstats');
      return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    await count();
    expect(await count()).toBe(1);
    expect(await count('named')).toBeGreaterThanOrEqual(4);
    expect(await client.exists(key)).toBe(0);
  });
});
