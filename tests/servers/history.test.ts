import { createClient } from 'redis';
import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { apart, type Backend, backends, kinds } from './backends.js';
import { until } from './until.mjs';

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
    const revisions: bigint[] = [];
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

  test('a change of a memory without history leaves a gap or is recorded by another, and values can be had behind it', async () => {
    await commitEach('gap', () => (mine.gap = { n: 1 }));
    const plain = await Memory.open<State>(backend.url);
    plain.gap.n = 2;
    await plain.$flush();
    const between = plain.$lastModified('gap') as bigint;
    await plain.$close();
    await mine.$sync();
    await commitEach('gap', () => (mine.gap.n = 3));
    const { entries } = await mine.$history('gap');
    // A memory that reads the document instead of receiving the delta records the difference.
    const isRecorded = entries.some(({ revision }) => revision === between);
    expect(entries[0]?.isAfterGap).toBe(!isRecorded);
    expect(await mine.$at('gap', between)).toEqual({ n: 2 });
  });
});

describe('on a server that others use, too', () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let raw: ReturnType<typeof createClient>;
  const open = (max = 100) => Memory.open<State>({ url: apart(server.url), history: { max } });
  beforeAll(async () => {
    server = await startRedisServer();
    raw = createClient({ url: server.url, RESP: 2 });
    await raw.connect();
  });
  afterAll(async () => {
    raw.destroy();
    await server.stop();
  });

  test('a change of another program is recorded once, by the first memory that notices it', async () => {
    const watchers = await Promise.all([open(), open(), open()]);
    const [first] = watchers as [Opened, Opened, Opened];
    first.shared = ['a'];
    await first.$flush();
    const base = first.$lastModified('shared') as bigint;
    for (const mem of watchers) await mem.$sync();
    await raw.set('memory:shared', `{"value": ["a", "b"], "last_modified": ${base + 5n}}`);
    for (const mem of watchers) await until('the change is here', () => mem.shared.length === 2);
    await until('the change is recorded', async () => (await first.$history('shared')).entries.length > 1);
    for (const mem of watchers) await mem.$sync();
    const { entries } = await first.$history('shared');
    expect(entries).toHaveLength(2);
    expect(entries[0]).toMatchObject({ revision: base + 5n, base, writer: undefined, isAfterGap: false });
    expect(entries[0]?.mutations).toEqual([{ kind: 'append', path: ['shared'], values: ['b'] }]);
    expect(await first.$at('shared', base)).toEqual(['a']);
    for (const mem of watchers) await mem.$close();
  });

  test('entries that are none are skipped and counted', async () => {
    const mem = await open();
    mem.notes = ['a'];
    await mem.$flush();
    await raw.xAdd('sm:{memory:notes}:history', '*', { garbage: 'x' });
    await raw.xAdd('sm:{memory:notes}:history', '*', { e: '\u0000'.repeat(50_000) });
    mem.notes.push('b');
    await mem.$flush();
    const { entries, malformed } = await mem.$history('notes');
    expect([entries.length, malformed]).toEqual([2, 2]);
    expect(await mem.$at('notes', entries[1]?.revision as bigint)).toEqual(['a']);
    await mem.$close();
  });

  test('a history lives as long as its attribute', async () => {
    const mem = await open();
    mem.session = { n: 1 };
    await mem.$flush();
    const key = 'sm:{memory:session}:history';
    expect(await raw.pTTL(key)).toBe(-1);
    await mem.$expire('session', 1000);
    mem.session.n++;
    await mem.$flush();
    expect(await raw.pTTL(key)).toBeGreaterThan(990_000);
    await mem.$persist('session');
    mem.session.n++;
    await mem.$flush();
    expect(await raw.pTTL(key)).toBe(-1);
    delete mem.session;
    await mem.$flush();
    expect(await raw.pTTL(key)).toBeGreaterThan(23 * 3_600_000);
    await mem.$close();
  });

  test('where the server refuses the entries, commits go on and a warning says why, once', async () => {
    await raw.sendCommand(['ACL', 'SETUSER', 'unrecorded', 'on', '>pw', '~*', '&*', '+@all', '-xadd']);
    await raw.set('sm:{memory:taken}:history', 'another value');
    const warnings: SyncedMemoryError[] = [];
    for (const [login, name] of [
      ['unrecorded:pw@', 'plain'],
      ['', 'taken'],
    ]) {
      const url = apart(server.url.replace('//', `//${login}`));
      const mem = await Memory.open<State>({ url, history: { max: 100 } });
      mem.$on('warning', (warning) => warnings.push(warning));
      mem[name as string] = 1;
      await mem.$flush();
      await until('the warning is here', () => warnings.length > 0);
      mem[name as string] = 2;
      await mem.$flush();
      expect((await mem.$history(name as string).catch(() => ({ entries: [] }))).entries).toEqual([]);
      expect(warnings.splice(0)).toMatchObject([
        {
          code: 'ERR_REFUSED',
          message: expect.stringMatching(RegExp(`the history of ${name} is not recorded: .*xadd`)),
        },
      ]);
      await mem.$close();
    }
    await raw.del('sm:{memory:taken}:history');
  });

  test('a history has a bounded number of entries, and of bytes', async () => {
    const mem = await open(10);
    mem.count = 0;
    for (let n = 1; n <= 300; n++) {
      mem.count = n;
      await mem.$flush();
    }
    expect(await raw.xLen('sm:{memory:count}:history')).toBeLessThanOrEqual(110);
    expect((await mem.$history('count', { last: 1 })).entries[0]?.mutations).toEqual([
      { kind: 'set', path: ['count'], value: 300 },
    ]);
    for (let n = 0; n < 30; n++) {
      mem.large = { n, text: String(n % 10).repeat(900_000) };
      await mem.$flush();
    }
    expect(await raw.memoryUsage('sm:{memory:large}:history')).toBeLessThan(10_000_000);
    expect(mem.large.n).toBe(29);
    await mem.$close();
  });
});
