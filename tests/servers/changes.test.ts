// Changes arrive in every process by `change` events and `$changes`.
import { type Change, Memory } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { once } from '../faults/redis.js';
import { type Backend, backends, kinds } from './backends.js';

interface State {
  tasks: { title: string; done?: boolean }[];
  config: { theme: string; size?: number; nested?: { deep: number[] } };
  count: number;
}

/** The comparable part of a change. */
const told = ({ path, kind, value, oldValue, origin }: Change) => [path.join('.'), kind, value, oldValue, origin];

describe.each(kinds)('on %s', (name) => {
  let backend: Backend;
  let mine: Memory<State>;
  let theirs: Memory<State>;

  beforeAll(async () => {
    backend = await backends[name]();
  });
  afterAll(() => backend.stop());
  beforeEach(async () => {
    mine = await Memory.open<State>(backend.url);
    for (const key of Object.keys(mine)) delete mine[key as keyof State];
    mine.tasks = [{ title: 'a' }];
    mine.config = { theme: 'dark' };
    await mine.$flush();
    theirs = await Memory.open<State>(backend.url);
    return () => Promise.all([mine.$close(), theirs.$close()]);
  });

  test('each mutation is one change event, locally and remotely', async () => {
    const here: Change[] = [];
    const there: Change[] = [];
    mine.$on('change', (change) => here.push(change));
    theirs.$on('change', (change) => there.push(change));
    mine.tasks.push({ title: 'b' }, { title: 'c' });
    mine.tasks[0] = { title: 'A' };
    (mine.tasks[1] as { done?: boolean }).done = true;
    mine.tasks.splice(1, 1);
    mine.config.size = 12;
    delete mine.config.size;
    mine.tasks.reverse();
    mine.count = 1;
    mine.count = 2;
    delete (mine as Partial<State>).count;
    expect(here).toEqual([]);
    await mine.$flush();
    const expected = [
      ['tasks.1', 'splice', [{ title: 'b' }, { title: 'c' }], []],
      ['tasks.0', 'set', { title: 'A' }, { title: 'a' }],
      ['tasks.1.done', 'set', true, undefined],
      ['tasks.1', 'splice', [], [{ title: 'b', done: true }]],
      ['config.size', 'set', 12, undefined],
      ['config.size', 'delete', undefined, 12],
      ['tasks', 'set', [{ title: 'c' }, { title: 'A' }], [{ title: 'A' }, { title: 'c' }]],
      ['count', 'set', 1, undefined],
      ['count', 'set', 2, 1],
      ['count', 'delete', undefined, 2],
    ];
    expect(here.map(told)).toEqual(expected.map((change) => [...change, 'local']));
    expect(here.every(({ revision }) => revision === undefined)).toBe(true);

    // Several mutations may arrive as one change, so only the result is compared.
    await vi.waitFor(() => expect(theirs.$snapshot()).toEqual(mine.$snapshot()));
    expect(there.length).toBeGreaterThan(0);
    expect(there.every(({ origin }) => origin === 'remote')).toBe(true);
    expect(there.filter((change) => change.name === 'tasks').at(-1)?.revision).toBe(mine.$lastModified('tasks'));
  });

  test('one mutation of another process is one in-place change', async () => {
    const { tasks } = theirs;
    const changes = theirs.$changes();
    const next = async () => told((await changes.next()).value as Change);
    mine.tasks.push({ title: 'b' });
    expect(await next()).toEqual(['tasks.1', 'splice', [{ title: 'b' }], [], 'remote']);
    expect(tasks).toBe(theirs.tasks);
    expect(tasks).toHaveLength(2);
    (mine.tasks[1] as { done?: boolean }).done = true;
    expect(await next()).toEqual(['tasks.1.done', 'set', true, undefined, 'remote']);
    mine.config.theme = 'light';
    expect(await next()).toEqual(['config.theme', 'set', 'light', 'dark', 'remote']);
    mine.count = 1;
    expect(await next()).toEqual(['count', 'set', 1, undefined, 'remote']);
    delete (mine as Partial<State>).count;
    expect(await next()).toEqual(['count', 'delete', undefined, 1, 'remote']);
    await changes.return?.();
  });

  test('a held reference to a removed container refuses mutations', async () => {
    const first = theirs.tasks[0];
    mine.tasks.shift();
    await vi.waitFor(() => expect(theirs.tasks).toEqual([]));
    expect(first).toEqual({ title: 'a' });
    expect(() => {
      (first as { done?: boolean }).done = true;
    }).toThrow(expect.objectContaining({ code: 'ERR_DETACHED', attribute: 'tasks' }));
  });

  test('changes of a path, inside it, and of its containers', async () => {
    const seen: Record<string, string[]> = { config: [], theme: [], second: [], all: [] };
    const note = (key: string) => (change: Change) => void seen[key]?.push(change.path.join('.'));
    mine.$on('change', note('config'), 'config');
    mine.$on('change', note('theme'), ['config', 'theme']);
    mine.$on('change', note('second'), ['tasks', 1]);
    const off = mine.$on('change', note('all'));
    mine.config.theme = 'light';
    mine.config.size = 1;
    mine.tasks.push({ title: 'b' }); // comes to be it
    (mine.tasks[0] as { done?: boolean }).done = true;
    (mine.tasks[1] as { done?: boolean }).done = true;
    mine.tasks.unshift({ title: '0' }); // moves it
    await mine.$flush();
    for (let n = 0; n < 5; n++) off(); // the others stay
    mine.config = { theme: 'none' };
    await mine.$flush();
    expect(seen).toEqual({
      config: ['config.theme', 'config.size', 'config'],
      theme: ['config.theme', 'config'],
      second: ['tasks.1', 'tasks.1.done', 'tasks.0'],
      all: ['config.theme', 'config.size', 'tasks.1', 'tasks.0.done', 'tasks.1.done', 'tasks.0'],
    });
  });

  test('listeners may mutate, and throw', async () => {
    const warnings: unknown[] = [];
    const listen = (warning: Error) => warnings.push(warning.message);
    process.on('warning', listen);
    mine.$on('change', ({ name }) => {
      if (name === 'count') mine.config.size = mine.count;
      throw new Error('a listener of the test');
    });
    const seen: string[] = [];
    mine.$on('change', ({ path }) => seen.push(path.join('.')));
    mine.count = 7;
    await mine.$sync();
    await vi.waitFor(() => expect(seen).toEqual(['count', 'config.size']));
    await vi.waitFor(() => expect(warnings).toEqual(Array(2).fill(expect.stringContaining('a listener of the test'))));
    process.off('warning', listen);
    await vi.waitFor(() => expect(theirs.config.size).toBe(7));
  });

  test('a reader that is far behind gets one reload per attribute, and then continues', async () => {
    const changes = mine.$changes();
    const tasks = mine.$changes('tasks');
    for (let n = 0; n < 1500; n++) mine.config.size = n;
    mine.tasks.push({ title: 'b' });
    await mine.$flush();
    // A change that a reload includes is not reported again.
    mine.config.size = -1;
    const size = (value: unknown) => (value as State['config']).size;
    const first = (await changes.next()).value as Change;
    expect([first.kind, first.path, size(first.value)]).toEqual(['reload', ['config'], -1]);
    expect(told((await changes.next()).value)).toEqual(['tasks.1', 'splice', [{ title: 'b' }], [], 'local']);
    mine.config.size = -2;
    expect(told((await changes.next()).value)).toEqual(['config.size', 'set', -2, -1, 'local']);
    expect((await tasks.next()).value.path).toEqual(['tasks', 1]);

    const rest = (async () => {
      const seen: string[] = [];
      for await (const { path } of tasks) seen.push(path.join('.'));
      return seen;
    })();
    mine.tasks.pop();
    await mine.$close();
    expect(await rest).toEqual(['tasks.1']);
    expect((await changes.next()).value.path).toEqual(['tasks', 1]);
    expect(await changes.next()).toEqual({ value: undefined, done: true });
  });

  test('a new listener or reader gets no change from before', async () => {
    const heard: [who: string, value: unknown][] = [];
    const listen = (who: string) => mine.$on('change', ({ value }) => heard.push([who, value]), 'count');
    listen('first');
    mine.count = 1;
    listen('second');
    const changes = mine.$changes('count');
    expect(() =>
      mine.$batch(() => {
        mine.count = 2;
        mine.count = 3;
        listen('in a reverted batch');
        throw new Error('of the test');
      }),
    ).toThrow('of the test');
    mine.count = 4;
    await mine.$flush();
    expect(heard).toEqual([
      ['first', 1],
      ['first', 4],
      ['second', 4],
      ['in a reverted batch', 4],
    ]);
    expect((await changes.next()).value).toMatchObject({ value: 4 });
    await changes.return?.();
  });

  test('prints as JSON, with the revision in decimal digits', async () => {
    const [local, remote] = [mine, theirs].map((mem) => once((listener) => mem.$on('change', listener, 'count')));
    mine.count = 7;
    const { revision, writer } = await (remote as Promise<Change>);
    expect(typeof revision).toBe('bigint');
    expect(writer).toEqual({ id: expect.any(String) });
    const change = { name: 'count', path: ['count'], kind: 'set', value: 7 };
    expect(JSON.parse(JSON.stringify(await remote))).toEqual({
      ...change,
      origin: 'remote',
      revision: `${revision}`,
      writer,
    });
    expect(JSON.parse(JSON.stringify([await local]))).toEqual([{ ...change, origin: 'local' }]);
    const oldValue = undefined;
    expect(structuredClone(await remote)).toStrictEqual({ ...change, oldValue, origin: 'remote', revision, writer });
  });

  test('invalid arguments', () => {
    const options = expect.objectContaining({ code: 'ERR_OPTIONS' });
    // biome-ignore lint/suspicious/noExplicitAny: that is the point
    const any = mine as any;
    expect(() => any.$on('changes', () => {})).toThrow(options);
    expect(() => any.$on('change')).toThrow(options);
    expect(() => any.$on('change', () => {}, 7)).toThrow(options);
    expect(() => any.$on('ack', () => {}, 'tasks')).toThrow(options);
    for (const wrong of [{ keepalive: true }, { keepAlive: 1 }, null, true]) {
      expect(() => any.$on('change', () => {}, 'tasks', wrong)).toThrow(options);
    }
    expect(() => any.$changes('$flush')).toThrow(expect.objectContaining({ code: 'ERR_RESERVED_NAME' }));
  });
});
