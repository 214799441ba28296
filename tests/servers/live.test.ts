import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { apart, type Backend, backends, kinds, onWasm } from './backends.js';

interface State {
  list: unknown[];
  dict: Record<string, unknown>;
}

describe.each(kinds)('%s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await backends[name]();
  });
  afterAll(() => backend.stop());

  test.each([
    ['of the same connection', (url: string) => url],
    ['of another connection', apart],
  ])('what another memory %s does shows by itself, in the same arrays and dicts', async (_, theirUrl) => {
    const mine = await Memory.open<State>(backend.url);
    const theirs = await Memory.open<State>(theirUrl(backend.url));
    if ('list' in mine) delete (mine as Partial<State>).list;
    await mine.$flush();
    theirs.list = [1, { id: 7, deep: [] }];
    theirs.dict = {};
    await vi.waitFor(() => expect(mine).toEqual({ list: [1, { id: 7, deep: [] }], dict: {} }));
    const { list, dict } = mine;
    const deep = (list[1] as { deep: unknown[] }).deep;

    theirs.list.push('ü', 12345678901234567890n);
    (theirs.list[1] as { deep: unknown[] }).deep.unshift({ a: 1 });
    theirs.list.splice(0, 1);
    theirs.dict.key = 'value';
    theirs.list.reverse();
    await vi.waitFor(() => expect(list).toEqual([12345678901234567890n, 'ü', { id: 7, deep: [{ a: 1 }] }]));
    await vi.waitFor(() => expect(dict).toEqual({ key: 'value' }));
    expect(list).toBe(mine.list);
    expect(deep).toBe((mine.list[2] as { deep: unknown[] }).deep);
    expect(mine.$lastModified('list')).toBe(theirs.$lastModified('list'));

    delete (theirs as Partial<State>).dict;
    await vi.waitFor(() => expect('dict' in mine).toBe(false));
    await mine.$close();
    await theirs.$close();
  });

  test('$status reports the detected capabilities', async () => {
    const mem = await Memory.open(backend.url);
    await vi.waitFor(() => expect(mem.$status.capabilities?.deltas).toBe(true));
    expect(mem.$status.capabilities).toEqual(
      onWasm
        ? { topology: 'transport', resp: null, deltas: true, changes: name === 'memory' ? 'broadcast' : 'probing' }
        : name === 'redis'
          ? { topology: 'single', resp: 3, deltas: true, changes: 'broadcast' }
          : name === 'file' || name === 'memory'
            ? { topology: name, resp: null, deltas: true, changes: 'broadcast' }
            : { topology: name, resp: 3, deltas: true, changes: 'broadcast' },
    );
    await mem.$close();
    expect(mem.$status.capabilities).toBeUndefined();
  });

  test('two concurrent writers see both changes and agree', async () => {
    const urls = [backend.url, backend.url, apart(backend.url)];
    const all = await Promise.all(urls.map((url) => Memory.open<State>(url)));
    const [first] = all;
    if (first === undefined) throw new Error('no memory');
    first.list = [];
    first.dict = {};
    await vi.waitFor(() => expect(all.map((mem) => mem.dict)).toEqual([{}, {}, {}]));
    for (let n = 0; n < 50; n++) {
      all.forEach((mem, who) => {
        mem.list.push(`${who}:${n}`);
        mem.dict[`${who}:${n}`] = n;
        if (n % 10 === 9) mem.list.splice(mem.list.indexOf(`${who}:${n}`), 1);
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all.map((mem) => mem.$flush()));
    await vi.waitFor(() => {
      for (const mem of all) {
        expect(mem.list).toHaveLength(135);
        expect(mem).toEqual(first);
      }
    });
    expect(new Set(first.list).size).toBe(135);
    expect(Object.keys(first.dict)).toHaveLength(150);
    for (const mem of all) await mem.$close();
  });
});

test('foreign writes show, too', async () => {
  const backend = await backends.redis();
  const raw = await createClient({ url: backend.url }).connect();
  const mem = await Memory.open<Record<string, unknown>>(backend.url);
  await raw.set('memory:one', '{"value": {"a": [1]}, "last_modified": 1763000000000000000}');
  // If new names are not announced, they are listed every ten seconds.
  await vi.waitFor(() => expect(mem.one).toEqual({ a: [1] }), 15_000);
  mem.one = { a: [1, 2] };
  await mem.$flush();
  await raw.set('memory:one', '{"value": {"a": [1, 2, 3]}, "last_modified": 1863000000000000000}');
  await vi.waitFor(() => expect(mem.one).toEqual({ a: [1, 2, 3] }), 5_000);
  await raw.pExpire('memory:one', 50);
  await vi.waitFor(() => expect('one' in mem).toBe(false), 5_000);
  mem.two = 2;
  await mem.$flush();
  await raw.flushAll();
  await vi.waitFor(() => expect('two' in mem).toBe(false), 5_000);
  raw.destroy();
  await mem.$close();
  await backend.stop();
});

test('a document of 50 MB reaches another memory', async () => {
  const backend = await backends.redis();
  const mine = await Memory.open<{ big: string[] }>(backend.url);
  const theirs = await Memory.open<{ big: string[] }>(backend.url);
  let losses = 0;
  mine.$on('disconnect', () => losses++);
  theirs.big = ['x'.repeat(50_000_000)];
  await theirs.$flush();
  await vi.waitFor(() => expect(mine.big?.[0]).toHaveLength(50_000_000), 20_000);
  theirs.big.push('more');
  await vi.waitFor(() => expect(mine.big).toHaveLength(2), 5_000);
  expect(losses).toBe(0);
  await mine.$close();
  await theirs.$close();
  await backend.stop();
});
