import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apart, type Backend, backends, kinds } from './backends.js';

// biome-ignore lint/suspicious/noExplicitAny: a state of any shape
type State = Record<string, any>;
type Opened = Memory<State>;

describe.each(kinds)('%s', (kind) => {
  let backend: Backend;
  let mine: Opened;
  let theirs: Opened;
  const open = (url = backend.url) => Memory.open<State>({ url, history: { max: 100 } });
  beforeAll(async () => {
    backend = await backends[kind]();
    mine = await open();
    theirs = await open(kind === 'memory' ? backend.url : apart(backend.url));
  });
  afterAll(async () => {
    await mine.$close();
    await theirs.$close();
    await backend.stop();
  });

  /** Makes each change a commit of its own, and returns the revisions. */
  async function commitEach(name: string, ...changes: (() => unknown)[]): Promise<bigint[]> {
    const revisions = [];
    for (const change of changes) {
      change();
      await mine.$flush();
      revisions.push(mine.$lastModified(name) ?? 0n);
    }
    return revisions;
  }

  test('every commit is an entry, with what it changed', async () => {
    const revisions = await commitEach(
      'tasks',
      () => (mine.tasks = [{ title: 'a' }]),
      () => mine.tasks.push('b', 'c'),
      () => (mine.tasks[0].title = 'A'),
      () => mine.tasks.splice(1, 1),
      () => delete mine.tasks,
    );
    const { entries, malformed } = await theirs.$history('tasks');
    expect(malformed).toBe(0);
    expect(entries.map(({ mutations }) => mutations)).toEqual([
      [{ kind: 'delete', path: ['tasks'] }],
      [{ kind: 'splice', path: ['tasks'], index: 1, removed: 1, values: [] }],
      [{ kind: 'set', path: ['tasks', 0, 'title'], value: 'A' }],
      [{ kind: 'append', path: ['tasks'], values: ['b', 'c'] }],
      [{ kind: 'set', path: ['tasks'], value: [{ title: 'a' }] }],
    ]);
    expect(entries.map(({ revision }) => revision).reverse()).toEqual(revisions);
    expect(entries.map(({ base }) => base).reverse()).toEqual([0n, ...revisions.slice(0, -1)]);
    expect(entries.some(({ isAfterGap }) => isAfterGap)).toBe(false);
    expect(new Set(entries.map(({ writer }) => writer?.id)).size).toBe(1);
    expect(Math.abs(Date.now() - Number(entries[0]?.time))).toBeLessThan(60_000);

    const last = await theirs.$history('tasks', { last: 2 });
    expect(last.entries).toEqual(entries.slice(0, 2));
    const since = await theirs.$history('tasks', { since: revisions[2] as bigint });
    expect(since.entries).toEqual(entries.slice(0, 2));
    expect((await theirs.$history('tasks', { since: new Date(Date.now() + 60_000) })).entries).toEqual([]);
    expect((await theirs.$history('nothing')).entries).toEqual([]);
  });

  test('a value can be had as of every revision', async () => {
    const values: unknown[] = [];
    const note = (change: () => unknown) => () => {
      change();
      values.push(JSON.parse(JSON.stringify(mine.doc)));
    };
    const revisions = await commitEach(
      'doc',
      ...[
        () => (mine.doc = { list: [1, 2, 3], text: 'x'.repeat(300) }),
        ...Array.from({ length: 30 }, (_, n) => () => mine.doc.list.push(n)),
        () => mine.doc.list.sort((a: number, b: number) => b - a),
        () => mine.doc.list.reverse(),
        () => (mine.doc.big = 'y'.repeat(40_000)),
        () => mine.doc.list.pop(),
        () => mine.$increment(['doc', 'count'], 2),
        () => (mine.doc.list = []),
        () => (mine.doc = 'z'.repeat(40_000)),
        () => (mine.doc = [1.5, null]),
      ].map(note),
    );
    const { entries } = await mine.$history('doc');
    expect(entries.filter(({ mutations }) => mutations === undefined)).toHaveLength(2);
    for (const [i, revision] of revisions.entries())
      expect(await theirs.$at('doc', revision), `${i}`).toEqual(values[i]);
    expect(Object.isFrozen((await theirs.$at('doc', revisions[3] as bigint)).list)).toBe(true);
    expect(await theirs.$at('doc', 0n)).toBeUndefined();
    await expect(theirs.$at('doc', 7n)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    await expect(theirs.$at('doc', 7 as never)).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  });

  test('an earlier value is restored by a commit of what differs', async () => {
    const [revision] = await commitEach('conf', () => (mine.conf = { a: [1, 2, 3, 4], b: { c: 1 }, d: 1 }));
    await commitEach('conf', () => {
      mine.conf.a.splice(1, 2);
      delete mine.conf.b.c;
      mine.conf.e = 5;
    });
    await mine.$restore('conf', revision as bigint);
    expect(mine.conf).toEqual({ a: [1, 2, 3, 4], b: { c: 1 }, d: 1 });
    const { entries } = await mine.$history('conf', { last: 1 });
    expect(entries[0]?.mutations).toEqual([
      { kind: 'delete', path: ['conf', 'e'] },
      { kind: 'splice', path: ['conf', 'a'], index: 1, removed: 0, values: [2, 3] },
      { kind: 'set', path: ['conf', 'b', 'c'], value: 1 },
    ]);
    await commitEach('conf', () => delete mine.conf);
    await mine.$restore('conf', revision as bigint);
    expect(mine.conf).toEqual({ a: [1, 2, 3, 4], b: { c: 1 }, d: 1 });
    await mine.$restore('conf', 0n);
    expect('conf' in mine).toBe(false);
  });

  test('a batch is an entry of each attribute', async () => {
    const [x, y] = kind === 'cluster' ? ['{t}x', '{t}y'] : ['x', 'y'];
    mine.$batch(() => {
      mine[x] = [1];
      mine[y] = { n: 1 };
    });
    await mine.$flush();
    await mine.$transaction((draft) => {
      draft[x].push(2);
      draft[y].n++;
    });
    for (const [name, change] of [
      [x, { kind: 'append', path: [x], values: [2] }],
      [y, { kind: 'set', path: [y, 'n'], value: 2 }],
    ] as const) {
      const { entries } = await theirs.$history(name);
      expect(entries.map(({ isAfterGap }) => isAfterGap)).toEqual([false, false]);
      expect(entries[0]?.mutations).toEqual([change]);
      expect(await theirs.$at(name, entries[1]?.revision as bigint)).toEqual(name === x ? [1] : { n: 1 });
    }
  });

  test('many writers of one list leave no gap', async () => {
    mine.log = [];
    await mine.$flush();
    await theirs.$sync();
    await Promise.all(
      [mine, theirs].map(async (mem, writer) => {
        for (let n = 0; n < 20; n++) {
          mem.log.push([writer, n]);
          await mem.$flush();
        }
      }),
    );
    const { entries } = await mine.$history('log');
    expect(entries).toHaveLength(41);
    expect(entries.filter(({ isAfterGap }) => isAfterGap)).toEqual([]);
    await mine.$sync();
    const values = await Promise.all(entries.map(({ revision }) => mine.$at('log', revision)));
    expect(values.map((value) => value.length)).toEqual(Array.from({ length: 41 }, (_, n) => 40 - n));
    expect(values[0]).toEqual(mine.$snapshot('log'));
  });

  test('nothing is recorded without the option, or of other names', async () => {
    const plain = await Memory.open<State>(backend.url);
    plain.quiet = 1;
    await plain.$flush();
    expect((await plain.$history('quiet')).entries).toEqual([]);
    await plain.$close();
    const some = await Memory.open<State>({ url: backend.url, history: { max: 9, names: ['loud'] } });
    Object.assign(some, { quiet: 2, loud: 2 });
    await some.$flush();
    expect((await some.$history('quiet')).entries).toEqual([]);
    expect((await some.$history('loud')).entries).toHaveLength(1);
    await some.$close();
  });

  test('a change of a memory without history leaves a gap, behind which values can be had', async () => {
    await commitEach('gap', () => (mine.gap = { n: 1 }));
    const plain = await Memory.open<State>(backend.url);
    plain.gap.n = 2;
    await plain.$flush();
    const between = plain.$lastModified('gap') as bigint;
    await plain.$close();
    await mine.$sync();
    await commitEach('gap', () => (mine.gap.n = 3));
    const { entries } = await mine.$history('gap');
    expect(entries.map(({ isAfterGap }) => isAfterGap)[0]).toBe(true);
    expect(await mine.$at('gap', between)).toEqual({ n: 2 });
  });
});
