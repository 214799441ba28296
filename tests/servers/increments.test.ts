// $increment by one and by several processes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AnyState, Memory } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apart, type Backend, backends, kinds } from './backends.js';

/** On a cluster, what is in braces decides where a key is. */
interface Known {
  '{bank}a': AnyState;
  '{bank}b': AnyState;
  count: number;
  list: number[];
}
type State = Known & AnyState;

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
    for (const name of Object.keys(mine)) delete mine[name];
    for (const name of ['{bank}a', '{bank}b'] as const) mine[name] = { balance: 100, log: [] };
    mine.list = [1];
    await mine.$flush();
    // On a connection of its own, as in another process.
    theirs = await Memory.open<State>(apart(backend.url));
    return () => Promise.all([mine.$close(), theirs.$close()]);
  });

  test('resolves with the acknowledged number', async () => {
    expect(await mine.$increment('count')).toBe(1);
    expect(await mine.$increment(['count'], 41)).toBe(42);
    expect(await mine.$increment(['{bank}a', 'balance'], -0.5)).toBe(99.5);
    expect(await mine.$increment(['{bank}a', 'visits'], 2n ** 60n)).toBe(2n ** 60n);
    expect(await mine.$increment(['list', 0], 9)).toBe(10);
    await theirs.$sync();
    expect([theirs.count, theirs['{bank}a'], theirs.list]).toEqual([
      42,
      { balance: 99.5, log: [], visits: 2n ** 60n },
      [10],
    ]);
  });

  test('shows at once, and adds to the number of other writers', async () => {
    mine.$increment('count', 5);
    expect(mine.count).toBe(5);
    const all = await Promise.all(Array.from({ length: 40 }, (_, n) => [mine, theirs][n % 2]?.$increment('count')));
    await mine.$sync();
    expect(mine.count).toBe(45);
    expect(new Set(all).size).toBe(40);
  });

  test('adds integers exactly, other numbers as JavaScript does', async () => {
    const pairs = [
      [0.1, 0.2],
      [1e21, 0.5],
      [5e-324, 0.25],
      [-1.5, 1.5],
      [-1e-7, 0],
      [2 ** 60 + 0.5, 0.5],
    ] as const;
    for (const [before, by] of pairs) {
      mine.count = before;
      expect(await mine.$increment('count', by)).toBe(before + by);
    }
    for (const before of [2n ** 53n + 2n, -(10n ** 36n), 10n ** 37n - 1n]) {
      mine.count = before as never;
      expect(await mine.$increment('count', -1)).toBe(before - 1n);
    }
    mine.count = (10n ** 37n) as never;
    await expect(mine.$increment('count')).rejects.toMatchObject({ code: 'ERR_NOT_A_NUMBER' });
  });

  test('accepts keys as JavaScript does', async () => {
    mine['{bank}a'].log = [{ n: 1 }];
    mine['{bank}b'] = { 7: 1 };
    const path = (...keys: unknown[]) => keys as ['count'];
    expect(await mine.$increment(path('{bank}a', 'log', '0', 'n'))).toBe(2);
    expect(await mine.$increment(path('{bank}b', 7))).toBe(2);
    expect(await mine.$increment(path('{bank}b', 8))).toBe(1);
    expect(await mine.$increment(path('list', '0'))).toBe(2);
    await theirs.$sync();
    expect([theirs['{bank}a'].log, theirs['{bank}b'], theirs.list]).toEqual([[{ n: 2 }], { 7: 2, 8: 1 }, [2]]);
  });

  test('in a batch', async () => {
    let counted: Promise<number | bigint> | undefined;
    mine.$batch(() => {
      mine['{bank}a'].balance = 7;
      counted = mine.$increment(['{bank}b', 'balance'], 7);
    });
    expect(await counted).toBe(107);
    expect(() =>
      mine.$batch(() => {
        counted = mine.$increment(['{bank}b', 'balance'], 7);
        throw new Error('of the test');
      }),
    ).toThrow();
    await expect(counted).rejects.toThrow('of the test');
    expect(mine['{bank}b'].balance).toBe(107);
  });

  test('invalid arguments', async () => {
    const code = (expected: string) => expect.objectContaining({ code: expected });
    const refused = (path: unknown, by: unknown = 1) => expect(mine.$increment(path as 'count', by as number)).rejects;
    await refused('list').toEqual(code('ERR_NOT_A_NUMBER'));
    await refused(['list', 5]).toEqual(code('ERR_NOT_A_NUMBER'));
    await refused(['list', 'length']).toEqual(code('ERR_NOT_A_NUMBER'));
    await refused(['{bank}a', 'log', 'x', 1]).toEqual(code('ERR_NOT_FOUND'));
    await refused(['nowhere', 'x']).toEqual(code('ERR_NOT_FOUND'));
    await refused('$flush').toEqual(code('ERR_RESERVED_NAME'));
    await refused('count', Number.NaN).toEqual(code('ERR_OPTIONS'));
    await refused('count', '1').toEqual(code('ERR_OPTIONS'));
    await refused(['list', null]).toEqual(code('ERR_OPTIONS'));
    await refused(['list', '01']).toEqual(code('ERR_NOT_A_NUMBER'));
    await refused(undefined).toEqual(code('ERR_OPTIONS'));
    await refused([]).toEqual(code('ERR_RESERVED_NAME'));
    expect(mine.$status.pending).toBe(0);
  });

  test('eight processes that increment add up exactly', { skip: kind === 'memory' }, async () => {
    const path = new URL('./incrementer.mjs', import.meta.url);
    const processes = Array.from({ length: 8 }, () => fork(path, [backend.url, '125'], { stdio: 'inherit' }));
    const reports = await Promise.all(processes.map((process) => once(process, 'message')));
    const values = reports.flatMap(([values]) => values as number[]);
    expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
    await mine.$sync();
    expect(mine.count).toBe(1000);
  });
});
