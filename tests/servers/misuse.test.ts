// biome-ignore-all lint/suspicious/noAssignInExpressions: they are the mistake under test
// Mistakes that JavaScript itself allows, and that would change nothing in the memory: each is refused or reported.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnyState,
  asDict,
  clear,
  Memory,
  PrefixedMemory,
  pop,
  type SyncedMemoryError,
  setdefault,
  update,
} from 'synced-memory';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { once } from '../faults/redis.js';
import { onWasm } from './backends.js';

const folder = mkdtempSync(join(tmpdir(), 'synced-memory-misuse-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The error that a call throws. */
function thrown(call: () => unknown): SyncedMemoryError {
  try {
    call();
  } catch (error) {
    return error as SyncedMemoryError;
  }
  throw new Error('it did not throw');
}

describe('new', () => {
  test.each([
    [Memory, 'Memory.open'],
    [PrefixedMemory, 'PrefixedMemory.open'],
  ])('makes no memory', (Class, remedy) => {
    const error = thrown(() => Reflect.construct(Class as unknown as new () => unknown, ['memory:']));
    expect(error).toMatchObject({ code: 'ERR_NOT_SUPPORTED', message: expect.stringContaining(`await ${remedy}(`) });
  });
});

describe('a URL with parameters', () => {
  const urls = [
    'redis://127.0.0.1:1#insecure',
    'redis://127.0.0.1:1?timeout=5',
    'rediss://127.0.0.1:1/0?protocol=resp3',
    'redis+unix:///no.sock?x=1',
    'redis+unix://user:resp3@/no.sock',
    'redis+unix://resp3@host/no.sock',
  ];
  const nativeUrls = ['redis+cluster://127.0.0.1:1?x', 'redis+sentinel://127.0.0.1:1/main?x', 'file:a.db?mode=ro'];

  test.each([...urls, 'memory://name?x=1', ...(onWasm ? [] : nativeUrls)])('%s is refused', async (url) => {
    await expect(Memory.open(url)).rejects.toMatchObject({
      code: 'ERR_OPTIONS',
      message: expect.not.stringContaining('resp3'),
    });
  });

  test('of a Unix socket has database and login', async () => {
    const server = await startRedisServer([
      '--unixsocket',
      join(folder, 'redis.sock'),
      '--user',
      ...'ann on >secret ~* &* +@all'.split(' '),
    ]);
    onTestFinished(() => server.stop());
    const url = `redis+unix://${folder}/redis.sock?db=1&user=ann&pass=`;
    await expect(Memory.open(`${url}wrong`)).rejects.toMatchObject({ code: 'ERR_AUTH' });
    const mem = await Memory.open(`${url}secret`);
    mem.seen = true;
    await mem.$flush();
    await mem.$close();
    const other = await Memory.open(`${server.url}/1`);
    expect(other.seen).toBe(true);
    await other.$close();
  });
});

test('a server that is undefined is refused by every way to open', async () => {
  const refusal = { code: 'ERR_OPTIONS', message: expect.stringContaining('process.env') };
  for (const options of [undefined, { url: undefined }] as never[]) {
    await expect(Memory.open(options)).rejects.toMatchObject(refusal);
    await expect(PrefixedMemory.open('scope', options)).rejects.toMatchObject(refusal);
    expect(thrown(() => Memory.openSync(options))).toMatchObject(refusal);
    expect(thrown(() => PrefixedMemory.openSync('scope', options))).toMatchObject(refusal);
  }
});

test('defaults of a scope that are not an object of attributes are refused', async () => {
  const mem = await Memory.open('memory:');
  await expect(mem.$scope('scope', { defaults: [1] })).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  await mem.$close();
});

describe('a value that is changed after it was assigned', () => {
  let mem: Memory;
  const warnings: SyncedMemoryError[] = [];
  beforeEach(async () => {
    mem = await Memory.open('memory:');
    mem.$on('warning', (warning) => warnings.push(warning));
    warnings.length = 0;
    return () => mem.$close();
  });
  /** The subjects of the warnings about what `act` does, and nothing else. */
  const warned = async (act: () => unknown): Promise<unknown[]> => {
    await act();
    await mem.$flush();
    expect(warnings.every(({ code }) => code === 'ERR_CHANGED_AFTER_ASSIGN')).toBe(true);
    return warnings.splice(0).map(({ attribute, path }) => [attribute, ...(path ?? [])]);
  };

  test('raises a warning with its path and the remedy', async () => {
    mem.log ??= [];
    expect(await warned(() => (mem.todo ??= []).push('lost'))).toEqual([['todo']]);
    expect(mem.todo).toEqual([]);
    const dict = await warned(() => {
      const config = (mem.config = {} as AnyState);
      config.theme = 'lost';
      const tags = (mem.config.tags = []) as string[];
      tags.push('lost');
    });
    expect(dict).toEqual([['config'], ['config', 'tags']]);
    const element = await warned(() => {
      const entry: AnyState = {};
      mem.log.push(1, entry);
      entry.text = 'lost';
    });
    expect(element).toEqual([['log', 1]]);
    const inDraft = warned(() => mem.$transaction((draft) => void (draft.other ??= []).push('lost')));
    expect(await inDraft).toEqual([['other']]);
    const text = 'list';
    (mem[text] ??= []).push('lost');
    await mem.$flush();
    expect(warnings[0]?.message).toMatch(/^list: .*mem\.list/);
  });

  test('is not warned of where nothing is lost', async () => {
    mem.source = [1];
    const quiet = await warned(() => {
      const buffer = [1];
      mem.a = buffer;
      buffer.push(2);
      mem.a = buffer; // assigned again
      mem.b = mem.source;
      mem.source.push(2); // of the memory itself
      expect(() => Object.assign(mem, { c: [new Date()] })).toThrow();
      Object.assign(mem, { d: null, e: 'text' });
      mem.f = Object.freeze({ g: 1 });
    });
    expect(quiet).toEqual([]);
    const refused = [new Date()];
    expect(() => Object.assign(mem, { c: refused })).toThrow();
    expect(await warned(() => refused.pop())).toEqual([]);
    expect(mem.a).toEqual([1, 2]);
  });

  test.skipIf(onWasm)('is noticed in blocking mode, too', async () => {
    const blocking = Memory.openSync('memory:');
    const warned = once((listener) => blocking.$on('warning', listener));
    (blocking.todo ??= []).push('lost');
    expect(await warned).toMatchObject({ code: 'ERR_CHANGED_AFTER_ASSIGN', attribute: 'todo' });
    await blocking.$close();
  });

  test('of very many in one task costs nothing: only the first ones are checked', async () => {
    mem.rows = [];
    const warnedOf = await warned(() => {
      const rows: AnyState[] = Array.from({ length: 1000 }, () => ({}));
      for (const row of rows) mem.rows.push(row);
      for (const row of rows) row.late = true;
    });
    expect(warnedOf.length).toBeGreaterThan(0);
    expect(warnedOf.length).toBeLessThan(100);
  });
});

describe('a name of a Python method that a dict does not have as a key', () => {
  const words = ['update', 'pop', 'popitem', 'setdefault', 'clear', 'asDict', 'asdict'];

  test('is not taken for a value', async () => {
    const mem = await Memory.open('memory:');
    onTestFinished(() => mem.$close());
    mem.words = {};
    for (const word of words) {
      const remedy = {
        code: 'ERR_NOT_SUPPORTED',
        message: expect.stringMatching(/Object\.hasOwn.*pythonMethods: false/),
      };
      expect(thrown(() => Object.assign(mem.words, { [word]: (mem.words[word] ?? 0) + 1 }))).toMatchObject(remedy);
      expect(thrown(() => `${mem.words[word]}`)).toMatchObject(remedy);
      expect(thrown(() => mem.words[word] > 0)).toMatchObject(remedy);
    }
    expect(mem.words).toEqual({});
    mem.words.pop = 1;
    mem.words.pop = (mem.words.pop ?? 0) + 1;
    expect(mem.words.pop).toBe(2);
  });

  test('is absent with pythonMethods: false; lists and functions keep the methods', async () => {
    const mem = await Memory.open({ url: 'memory:', pythonMethods: false });
    onTestFinished(() => mem.$close());
    const scope = await mem.$scope('scope', { defaults: { words: {} } });
    const back = await mem.$scope('other', { defaults: { words: {} }, pythonMethods: true });
    Object.assign(mem, { words: {}, list: [1] });
    for (const word of words) mem.words[word] = (mem.words[word] ?? 0) + 1;
    expect(mem.words).toEqual(Object.fromEntries(words.map((word) => [word, 1])));
    expect(await mem.$transaction((draft) => draft.words.popitem + (draft.list[0] as number))).toBe(2);
    expect([scope.words.pop, typeof back.words.pop, typeof mem.list.append]).toEqual([
      undefined,
      'function',
      'function',
    ]);
    expect(pop(mem.words, 'pop')).toBe(1);
    update(mem.words, { pop: 5 });
    expect(setdefault(mem.words, 'pop', 6)).toBe(5);
    clear(mem.words);
    expect([asDict(mem.words), mem.words.clear]).toEqual([{}, undefined]);
    await expect(Memory.open({ url: 'memory:', pythonMethods: 0 as never })).rejects.toMatchObject({
      code: 'ERR_OPTIONS',
    });
  });
});

test('an $increment that is refused is reported where nobody waits for it', async () => {
  const errors: SyncedMemoryError[] = [];
  const mem = await Memory.open({ url: 'memory:', onError: (error) => errors.push(error) });
  onTestFinished(() => mem.$close());
  mem.text = 'one';
  await expect(mem.$increment('text')).rejects.toMatchObject({ code: 'ERR_NOT_A_NUMBER' });
  await expect(Promise.all([mem.$increment('text')])).rejects.toMatchObject({ code: 'ERR_NOT_A_NUMBER' });
  expect(await mem.$increment('text').catch(({ code }) => code)).toBe('ERR_NOT_A_NUMBER');
  const reported = new Promise((resolve) => mem.$on('error', resolve));
  mem.$increment(['text', 'length']);
  mem.$increment('count');
  expect(await reported).toMatchObject({ code: 'ERR_NOT_FOUND', attribute: 'text' });
  await mem.$flush();
  expect(errors).toEqual([await reported]);
  expect(mem.count).toBe(1);
});

test('an $increment that the server refuses is reported, too', async () => {
  const server = await startRedisServer(['--user', ...'reader on >secret ~* &* +@all -@write'.split(' ')]);
  onTestFinished(() => server.stop());
  const url = server.url.replace('//', '//reader:secret@');
  const mem = await Memory.open({ url, onError: () => {} });
  const reported = once<SyncedMemoryError>((listener) => mem.$on('error', listener));
  mem.$increment('count');
  expect(await reported).toMatchObject({ code: 'ERR_REFUSED', attribute: 'count' });
  await mem.$close();
});

describe('a transaction', () => {
  let mem: Memory;
  beforeEach(async () => {
    mem = await Memory.open('memory:');
    Object.assign(mem, { user: { name: 'Ann', tags: ['a'] }, count: 1, other: 1 });
    await mem.$flush();
    return () => mem.$close();
  });

  test('that returns parts of its draft gives snapshots', async () => {
    const user = await mem.$transaction((draft) => {
      draft.user.tags.push('b');
      return draft.user;
    });
    expect(user).toEqual({ name: 'Ann', tags: ['a', 'b'] });
    expect(Object.isFrozen(user)).toBe(true);
    expect(structuredClone(user)).toEqual(user);
    expect(await mem.$transaction(({ user }) => user)).toEqual(user);
    const date = new Date(0);
    const parts = await mem.$transaction(async ({ user }) => ({ tags: [user.tags, 1], date, mine: mem.user }));
    expect(parts).toEqual({ tags: [['a', 'b'], 1], date, mine: mem.user });
    expect([parts.date, parts.mine]).toEqual([date, mem.user]);
    expect(parts.mine).toBe(mem.user);
    structuredClone(parts.tags);
    expect(structuredClone(await mem.$transaction((draft) => draft))).toEqual({ ...mem.$snapshot() });
    const own: AnyState = { list: [] };
    own.own = own;
    expect(await mem.$transaction(() => own)).toBe(own);
  });

  test('refuses mutations of the memory itself', async () => {
    const refusal = { code: 'ERR_NOT_SUPPORTED', message: expect.stringMatching(/count: .*mutate the draft/) };
    const attempts = [
      () => void (mem.count = 2),
      () => delete mem.count,
      () => mem.$batch(() => void (mem.count = 2)),
      () => mem.$increment('count'),
    ];
    for (const attempt of attempts) {
      const run = mem.$transaction(async (draft) => {
        draft.other = 2;
        await attempt();
      });
      await expect(run).rejects.toMatchObject(refusal);
    }
    await expect(mem.$update('other', () => void (mem.count = 2))).rejects.toMatchObject(refusal);
    expect({ ...mem.$snapshot() }).toMatchObject({ count: 1, other: 1 });
    const outside = await Memory.open('memory:');
    await mem.$transaction((draft) => void (outside.count = draft.count));
    expect(outside.count).toBe(1);
    await outside.$close();
    mem.count = 3;
    expect(mem.count).toBe(3);
  });

  test('inside a transaction on the same data is refused at once', async () => {
    let runs = 0;
    const refusal = { code: 'ERR_NOT_SUPPORTED', attribute: 'count', message: expect.stringContaining('outer') };
    const readBefore = mem.$transaction(async (draft) => {
      runs++;
      draft.count += 1;
      await mem.$transaction((inner) => void (inner.count += 1));
    });
    await expect(readBefore).rejects.toMatchObject(refusal);
    const readAfter = mem.$transaction(async (draft) => {
      runs++;
      await mem.$update('count', (count) => count + 1);
      draft.count += 1;
    });
    await expect(readAfter).rejects.toMatchObject(refusal);
    expect([runs, mem.count]).toEqual([2, 2]);
    const late = mem.$transaction(async (draft) => {
      runs++;
      draft.count += 1;
      await new Promise((resolve) => setTimeout(resolve));
      await mem.$update('count', (count) => count + 1);
    });
    await expect(late).rejects.toMatchObject(refusal);
    expect([runs, mem.count]).toEqual([3, 2]);
    await mem.$transaction(async (draft) => {
      runs++;
      draft.count += 1;
      await mem.$transaction((inner) => void (inner.other += draft.count));
    });
    expect([runs, mem.count, mem.other]).toEqual([4, 3, 4]);
  });

  test('beside another one, or called by what one has started, runs', async () => {
    let later: (() => void) | undefined;
    const called = new Promise<void>((resolve) => {
      later = resolve;
    });
    let fromWithin: Promise<unknown> | undefined;
    const slow = mem.$transaction(async (draft) => {
      // Goes on after this transaction has ended.
      fromWithin ??= called.then(() => mem.$update('count', (count) => count + 1));
      const { count } = draft;
      await new Promise((resolve) => setTimeout(resolve));
      draft.count = count + 10;
    });
    const beside = mem.$update('count', (count) => count + 100);
    await Promise.all([slow, beside]);
    later?.();
    await fromWithin;
    expect(mem.count).toBe(112);
  });
});
