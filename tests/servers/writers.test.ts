// Writers with labels: who made a change.
import { type Change, Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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
    const ids = new Set(seen.map(({ writer }) => writer?.id));
    expect(seen.map(({ origin, writer }) => [origin, writer?.label])).toEqual(
      seen.map(() => ['remote', 'billing-3: Zoë']),
    );
    expect([...ids]).toEqual([expect.stringMatching(/^[\w-]{22}$/)]);
    expect(own.every(({ writer }) => writer === undefined)).toBe(true);
    expect(JSON.parse(JSON.stringify(seen[0]))).toMatchObject({ writer: { label: 'billing-3: Zoë' } });

    // A writer without a label has an id all the same.
    plain.other = 1;
    await vi.waitFor(() => expect(named.other).toBe(1));
    const { writer } = own.at(-1) as Change;
    expect(writer).toEqual({ id: expect.stringMatching(/^[\w-]{22}$/) });
    expect(ids.has(writer?.id)).toBe(false);
    delete plain.other;
    await plain.$flush();
  });

  test('a scope has the label of its memory, or its own', async () => {
    await using mem = await Memory.open({ url: backend.url, writer: 'parent' });
    await using scopes = await Memory.open(apart(backend.url));
    const there = await scopes.$scope('room');
    const labels: unknown[] = [];
    there.$on('change', ({ writer }) => labels.push(writer?.label));
    const inherited = await mem.$scope('room');
    const own = await mem.$scope('room', { writer: 'own' });
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
