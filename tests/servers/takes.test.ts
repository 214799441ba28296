// $shift and $pop by one and by several processes, and the event of a removal that met what was gone already.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AnyState, Memory, type Moot } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apart, type Backend, backends, kinds } from './backends.js';

interface State {
  queue: unknown[];
  jobs: { todo: string[]; more?: string[]; count: number };
}

describe.each(kinds)('on %s', (kind) => {
  let backend: Backend;
  let mine: Memory<State>;
  let theirs: Memory<State>;

  beforeAll(async () => {
    backend = await backends[kind]();
  });
  afterAll(() => backend.stop());
  beforeEach(async () => {
    mine = await Memory.open<State>(backend.url);
    for (const name of Object.keys(mine) as (keyof State)[]) delete (mine as AnyState)[name];
    mine.queue = ['a', 'b', 'c', 'd'];
    mine.jobs = { todo: ['x', 'y'], count: 1 };
    await mine.$flush();
    // On a connection of its own, as in another process.
    theirs = await Memory.open<State>(apart(backend.url));
    return () => Promise.all([mine.$close(), theirs.$close()]);
  });

  test('removes and returns the first and the last element', async () => {
    expect(await mine.$shift('queue')).toBe('a');
    expect(await mine.$pop(['queue'])).toBe('d');
    expect(await mine.$shift(['jobs', 'todo'])).toBe('x');
    await theirs.$sync();
    expect([theirs.queue, theirs.jobs]).toEqual([['b', 'c'], { todo: ['y'], count: 1 }]);
  });

  test('returns any JSON, as values of its own', async () => {
    const values = [null, false, 0, '', [], { deep: [{ n: 2n ** 60n }] }, '\u0000n1'];
    mine.queue = values;
    const held = mine.queue[5] as { deep: unknown[] };
    for (const value of values) expect(await mine.$shift('queue')).toEqual(value);
    expect(() => held.deep.push(1)).toThrow(expect.objectContaining({ code: 'ERR_DETACHED' }));
  });

  test('shows at once, and takes what this process has just pushed', async () => {
    const taken = mine.$shift('queue');
    expect(mine.queue).toEqual(['b', 'c', 'd']);
    mine.queue.push('e');
    expect(await mine.$pop('queue')).toBe('e');
    expect(await taken).toBe('a');
  });

  test('takes the next element where another process was first', async () => {
    expect(await Promise.all([mine.$shift('queue'), theirs.$shift('queue'), mine.$pop('queue')])).toHaveLength(3);
    const left = await Promise.all([mine.$shift('queue'), theirs.$pop('queue')]);
    expect(left.filter((element) => element !== undefined)).toHaveLength(1);
    await mine.$sync();
    expect(mine.queue).toEqual([]);
  });

  test('takes what this process does not know yet', async () => {
    mine.queue = [];
    await mine.$flush();
    await theirs.$sync();
    mine.queue.push('new');
    await mine.$flush();
    expect(await theirs.$shift('queue')).toBe('new');
    const outside = await Memory.open<State & { other: number[] }>({ url: backend.url, names: ['jobs'] });
    mine.queue.push('newer');
    await mine.$flush();
    expect(await outside.$shift('queue')).toBe('newer');
    await outside.$close();
  });

  test('has nothing where the list is empty or absent', async () => {
    mine.queue = [];
    expect(await mine.$shift('queue')).toBeUndefined();
    expect(await mine.$pop(['jobs', 'more'])).toBeUndefined();
    expect(await mine.$pop(['jobs', 'more', 0, 'x'] as never)).toBeUndefined();
    delete (mine as Partial<State>).queue;
    expect(await mine.$shift('queue')).toBeUndefined();
    expect(mine.$status.pending).toBe(0);
    const before = mine.$lastModified('jobs');
    expect(await theirs.$shift(['jobs', 'more'])).toBeUndefined();
    expect(theirs.$lastModified('jobs')).toBe(before);
  });

  test('invalid arguments', async () => {
    const refused = (path: unknown) => expect(mine.$shift(path as 'queue')).rejects;
    const code = (expected: string) => expect.objectContaining({ code: expected });
    await refused('jobs').toEqual(code('ERR_NOT_A_LIST'));
    await refused(['jobs', 'count']).toEqual(code('ERR_NOT_A_LIST'));
    await refused(['jobs', 'count', 'x']).toEqual(code('ERR_NOT_A_LIST'));
    await refused(['queue', 'length']).toEqual(code('ERR_NOT_A_LIST'));
    await refused('$flush').toEqual(code('ERR_RESERVED_NAME'));
    await refused(undefined).toEqual(code('ERR_OPTIONS'));
    await refused(['queue', null]).toEqual(code('ERR_OPTIONS'));
    expect(mine.$status.pending).toBe(0);
  });

  test('in a batch is refused, and in a transaction the list has its own methods', async () => {
    let taken: Promise<unknown> | undefined;
    mine.$batch(() => {
      taken = mine.$shift('queue');
    });
    await expect(taken).rejects.toMatchObject({
      code: 'ERR_NOT_SUPPORTED',
      message: expect.stringContaining('$batch'),
    });
    expect(mine.queue).toHaveLength(4);
    expect(await mine.$transaction((draft) => draft.queue.shift())).toBe('a');
  });

  test('after close', async () => {
    await theirs.$close();
    await expect(theirs.$shift('queue')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await expect(theirs.$pop('nothing' as 'queue')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  test('a removal that meets what is gone raises an event', async () => {
    const moots: Moot[] = [];
    for (const memory of [mine, theirs]) memory.$on('moot', (moot) => moots.push(moot));
    /** Both in one task: neither process knows of the other's removal. */
    const both = async (remove: (memory: Memory<State>) => void) => {
      remove(theirs);
      remove(mine);
      await Promise.all([mine.$sync(), theirs.$sync()]);
      return moots.splice(0);
    };
    const gone = (kind: string, path: string[], what: string) => [
      { name: path[0], kind, path: path.slice(1), message: expect.stringContaining(what) },
    ];
    expect(await both((memory) => memory.queue.shift())).toEqual(
      gone('splice', ['queue'], 'removed or replaced the element'),
    );
    expect(mine.queue).toEqual(['b', 'c', 'd']);
    expect(await both((memory) => memory.jobs.todo.splice(0))).toEqual(
      gone('splice', ['jobs', 'todo'], '2 of the 2 elements'),
    );
    expect(await both((memory) => delete (memory.jobs as AnyState).count)).toEqual(gone('unset', ['jobs'], 'the key'));
    expect(await both((memory) => delete (memory as AnyState).queue)).toEqual(
      gone('delete', ['queue'], 'the attribute'),
    );
    expect(await both((memory) => memory.jobs.todo.push('z'))).toEqual([]);
  });

  describe.skipIf(kind === 'memory')('of several processes', () => {
    /** The elements that each of four processes took of a queue of this length. */
    async function takenBy(length: number, method: string): Promise<number[][]> {
      mine.queue = Array.from({ length }, (_, n) => n);
      (mine as AnyState).ready = [];
      await mine.$flush();
      const path = new URL('./taker.mjs', import.meta.url);
      const processes = Array.from({ length: 4 }, () => fork(path, [backend.url, '4', method], { stdio: 'inherit' }));
      const reports = await Promise.all(processes.map((process) => once(process, 'message')));
      await mine.$sync();
      expect(mine.queue).toEqual([]);
      return reports.map(([taken]) => taken as number[]);
    }
    const sorted = (taken: number[][]) => taken.flat().sort((a, b) => a - b);
    const numbers = (length: number) => Array.from({ length }, (_, n) => n);

    test('$shift gives each element to one of them, and a plain shift to several', async () => {
      expect(sorted(await takenBy(200, '$shift'))).toEqual(numbers(200));
      const taken = sorted(await takenBy(200, 'shift'));
      expect([...new Set(taken)]).toEqual(numbers(200));
      expect(taken.length).toBeGreaterThan(200);
    }, 60_000);

    test('each of them gets half of its fair share at least', async () => {
      const taken = await takenBy(1000, '$shift');
      expect(sorted(taken)).toEqual(numbers(1000));
      const shares = taken.map((elements) => elements.length);
      for (const share of shares) expect(share, `of ${shares}`).toBeGreaterThanOrEqual(1000 / 4 / 2);
    }, 60_000);
  });
});
