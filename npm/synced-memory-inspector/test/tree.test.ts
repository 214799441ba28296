// The tree: rows, sizes, lifetimes, unreadable attributes, search; with values of every size.
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { inspector } from 'synced-memory-inspector';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import { Client } from './client.js';

describe('in a process', () => {
  let mem: Memory;
  let page: Client;
  beforeEach(async () => {
    mem = await Memory.open('memory:');
    page = new Client(inspector(mem, { authorize: () => true }));
    return () => mem.$close();
  });

  test('attributes are sorted, with type, count, size and beginning', async () => {
    mem.tasks = [{ title: 'draft' }, 'x'];
    mem.count = 12345678901234567890n;
    mem.empty = null;
    expect((await page.rows()).rows).toMatchObject([
      { path: ['count'], type: 'number', preview: '12345678901234567890', attribute: { size: 20 } },
      { path: ['empty'], type: 'null', preview: 'null', attribute: { size: 4 } },
      { path: ['tasks'], type: 'list', count: 2, preview: '[{"title": "draft"}, "x"]', attribute: { size: 23 } },
    ]);
  });

  test('open lists and dicts have their rows below them, and a window gets its own rows only', async () => {
    mem.a = { x: [1, 2], y: 'z' };
    mem.b = Array.from({ length: 1000 }, (_, index) => ({ index }));
    const open = [['a'], ['a', 'x'], ['b'], ['b', 500], ['gone'], ['a', 'gone'], ['b', 2000], ['a', 'y']];
    const all = await page.rows({ open, count: 8 });
    expect(all.total).toBe(2 + 2 + 2 + 1000 + 1);
    const keys = [['a'], ['a', 'x'], ['a', 'x', 0], ['a', 'x', 1], ['a', 'y'], ['b'], ['b', 0], ['b', 1]];
    expect(all.rows.map(({ path }) => path)).toEqual(keys);
    const { rows } = await page.rows({ open, from: 505, count: 4 });
    expect(rows.map(({ path }) => path)).toEqual([
      ['b', 499],
      ['b', 500],
      ['b', 500, 'index'],
      ['b', 501],
    ]);
    expect((await page.rows({ open, from: 5000, count: 4 })).rows).toEqual([]);
  });

  test('a sought value has the number of its row', async () => {
    mem.a = { x: [1, 2], y: 'z' };
    mem.b = 1;
    const open = [['a'], ['a', 'x']];
    const sought = async (...seek: (string | number)[]) => (await page.rows({ open, seek })).sought;
    expect(await sought('a', 'x', 1)).toBe(3);
    expect(await sought('a', 'y')).toBe(4);
    expect(await sought('b')).toBe(5);
    expect(await sought('a', 'none')).toBeUndefined();
  });

  test('a filter selects names, and a search finds keys and values', async () => {
    mem.Tasks = [{ title: 'Write the draft' }];
    mem.config = { draft: true, n: 42 };
    expect(await page.rows({ filter: 'TASK' })).toMatchObject({ names: 2, selected: 1, total: 1 });
    const { found, isComplete } = await page.search('draft');
    expect([found.map(({ path }) => path), isComplete]).toEqual([
      [
        ['Tasks', 0, 'title'],
        ['config', 'draft'],
      ],
      true,
    ]);
    expect((await page.search('42')).found).toMatchObject([{ path: ['config', 'n'], preview: '42' }]);
  });

  test('keys that JavaScript has a meaning for are data', async () => {
    Object.assign(mem, { constructor: 1 });
    mem.odd = JSON.parse('{"__proto__": {"x": 1}, "toString": 2, "length": 3}');
    mem.list = [1];
    const { rows } = await page.rows({ open: [['odd'], ['odd', '__proto__'], ['list']] });
    expect(rows.map(({ path }) => path.join('/'))).toEqual([
      ...['constructor', 'list', 'list/0', 'odd', 'odd/__proto__', 'odd/__proto__/x', 'odd/toString', 'odd/length'],
    ]);
    expect(await page.text('odd', '__proto__')).toEqual({ text: '{\n  "x": 1\n}', isWhole: true });
    for (const path of [['toString'], ['$close'], ['list', 'length'], ['odd', 'valueOf'], ['hasOwnProperty']]) {
      expect(await page.error({ op: 'text', path })).toMatchObject({ status: 404 });
    }
  });

  test('a text of 10 MB and a key of 1 MB make short rows', async () => {
    mem.long = '<script>'.repeat(1_250_000);
    mem.dict = { ['k'.repeat(1_000_000)]: 1 };
    const reply = await page.rows({ open: [['dict']] });
    expect(JSON.stringify(reply).length).toBeLessThan(3000);
    expect(reply.rows[1]).toMatchObject({ isKeyCut: true });
    const { text, isWhole } = await page.text('long');
    expect([text.length, isWhole]).toEqual([200_000, false]);
  });

  test('the status, which costs the number of attributes, is read once for many rows', async () => {
    for (let index = 0; index < 100; index++) mem[`item${index}`] = index;
    await mem.$flush();
    let reads = 0;
    const counting = new Proxy(mem, {
      get(target, key) {
        if (key === '$status') reads++;
        const value = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { rows } = await new Client(inspector(counting, { authorize: () => true })).rows();
    expect(rows).toHaveLength(100);
    // It is read anew when a second is over.
    expect(reads).toBeLessThan(20);
  });

  test('10,000 attributes and a document of 20 MB keep the process free', async () => {
    const big = Array.from({ length: 200_000 }, (_, id) => ({ id, text: 'x'.repeat(70), tags: ['a', 'b'] }));
    expect(JSON.stringify(big).length).toBeGreaterThan(20e6);
    mem.big = big;
    await mem.$flush();
    for (let index = 0; index < 10_000; index++) mem[`item${index}`] = { index };
    await mem.$flush();
    await using events = await page.events();
    expect(await page.rows({ open: [['big']], from: 100_000, count: 60 })).toMatchObject({ total: 210_001 });
    // The size is measured in slices, and a tick says that it is there.
    let row = await page.row('big');
    while (row?.attribute?.size === undefined) {
      await events.next();
      row = await page.row('big');
    }
    expect(row.attribute.size / JSON.stringify(big).length).toBeCloseTo(1, 1);
    // The time of the processor: the machine may be busy.
    const began = process.cpuUsage();
    for (let times = 0; times < 50; times++) await page.rows({ open: [['big']], from: 150_000, count: 60 });
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 50).toBeLessThan(50_000);
  });

  test('a memory that is not loaded says so', async () => {
    const offline = await Memory.open({ url: 'redis://127.0.0.1:1', offline: true });
    const { rows, incomplete } = await new Client(inspector(offline, { authorize: () => true })).rows();
    expect(rows).toEqual([]);
    expect(incomplete).toMatch('await $ready()');
    await offline.$close().catch(() => {});
  });
});

describe('on Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedisServer>>;
  let mem: Memory;
  let page: Client;
  beforeAll(async () => {
    redis = await startRedisServer();
    mem = await Memory.open({ url: redis.url, onError: () => {} });
    page = new Client(inspector(mem, { authorize: () => true }));
  });
  afterAll(async () => {
    await mem.$close();
    await redis.stop();
  });

  test('attributes have revisions, and lifetimes as soon as they are asked for', async () => {
    mem.session = 'x';
    mem.tasks = [];
    await mem.$flush();
    await mem.$expire('session', 100);
    await using events = await page.events();
    const lifetime = async () => (await page.row('session'))?.attribute?.expiresAt;
    while ((await lifetime()) === undefined) await events.next();
    expect(((await lifetime()) as number) - Date.now()).toBeLessThanOrEqual(100_000);
    const { attribute } = (await page.row('tasks')) ?? {};
    expect(attribute).toEqual({ size: 2, revision: String(mem.$lastModified('tasks')), expiresAt: null });
  });

  test('an attribute that cannot be read has the reason, until it can', async () => {
    const client = await createClient({ url: redis.url }).connect();
    await client.set('memory:broken', '{"value":[1,');
    await mem.$sync();
    expect(mem.$status.unreadable).toEqual(['broken']);
    const row = await page.row('broken');
    expect(row).toMatchObject({ type: 'unreadable', preview: expect.stringContaining('broken: ') });
    expect(await page.error({ op: 'text', path: ['broken'] })).toMatchObject({ status: 409, code: 'ERR_MALFORMED' });
    mem.broken = [];
    expect(await page.row('broken')).toMatchObject({ type: 'list', count: 0 });
    expect(mem.$status.unreadable).toEqual([]);
    client.destroy();
  });
});
