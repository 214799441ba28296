// Several mutations as one: batches, transactions and updates.
import { type AnyState, Memory } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { apart, type Backend, backends, kinds } from './backends.js';

interface Account {
  balance: number;
  log: string[];
}

/** On a cluster, what is in braces decides where a key is. */
interface Known {
  '{bank}a': Account;
  '{bank}b': Account;
  '{bank}c': Account;
  count: number;
  list: number[];
}
type Name = '{bank}a' | '{bank}b' | '{bank}c';
type State = Known & AnyState;

const conflict = expect.objectContaining({ code: 'ERR_CONFLICT' });

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
    for (const name of ['{bank}a', '{bank}b', '{bank}c'] as const) mine[name] = { balance: 100, log: [] };
    mine.list = [1];
    await mine.$flush();
    // On a connection of its own, as in another process.
    theirs = await Memory.open<State>(apart(backend.url));
    return () => Promise.all([mine.$close(), theirs.$close()]);
  });

  describe('$batch', () => {
    test('commits several attributes, which other memories see as a whole', async () => {
      const seen: number[] = [];
      theirs.$on('change', () => seen.push(theirs['{bank}a'].balance + theirs['{bank}b'].balance));
      const moved = mine.$batch(() => {
        mine['{bank}a'].balance -= 30;
        mine['{bank}b'].balance += 30;
        mine['{bank}a'].log.push('-30');
        return 30;
      });
      expect(moved).toBe(30);
      expect(mine['{bank}a']).toEqual({ balance: 70, log: ['-30'] });
      await mine.$flush();
      expect(mine.$status.pending).toBe(0);
      await vi.waitFor(() => expect(theirs.$snapshot()).toEqual(mine.$snapshot()));
      expect(new Set(seen)).toEqual(new Set([200]));
    });

    test('merges with concurrent mutations', async () => {
      mine.$batch(() => {
        mine['{bank}a'].log.push('mine');
        mine['{bank}b'].log.push('mine');
      });
      theirs['{bank}a'].log.push('theirs');
      theirs['{bank}b'].log.push('theirs');
      await Promise.all([mine.$flush(), theirs.$flush()]);
      await mine.$sync();
      expect([...mine['{bank}a'].log].sort()).toEqual(['mine', 'theirs']);
      expect([...mine['{bank}b'].log].sort()).toEqual(['mine', 'theirs']);
    });

    test('is undone if it throws', async () => {
      const changes: unknown[] = [];
      mine.$on('change', (change) => changes.push(change));
      const before = JSON.stringify(mine);
      const { list } = mine;
      const failure = new Error('of the test');
      expect(() =>
        mine.$batch(() => {
          mine.list.unshift(0, 0);
          mine.list.sort().reverse();
          mine.list.pop();
          mine['{bank}a'].balance = -1;
          mine.$batch(() => {
            mine['{bank}a'].log.push('inner');
          });
          delete (mine as Partial<State>)['{bank}b'];
          mine.list = [7];
          mine.fresh = { a: 1 };
          throw failure;
        }),
      ).toThrow(failure);
      expect(JSON.stringify(mine)).toBe(before);
      expect(mine.list).toBe(list);
      expect(mine.$status.pending).toBe(0);
      mine.list.push(2);
      await mine.$flush();
      await vi.waitFor(() => expect(theirs.list).toEqual([1, 2]));
      expect(changes).toHaveLength(1);
    });

    test('a nested batch that throws is undone alone', async () => {
      mine.$batch(() => {
        mine['{bank}a'].balance = 1;
        expect(() =>
          mine.$batch(() => {
            mine['{bank}a'].balance = 2;
            mine['{bank}b'].balance = 2;
            throw new Error('of the test');
          }),
        ).toThrow();
        mine['{bank}c'].balance = 3;
      });
      await mine.$flush();
      await theirs.$sync();
      expect(['{bank}a', '{bank}b', '{bank}c'].map((name) => theirs[name].balance)).toEqual([1, 100, 3]);
    });

    test('rejects an async function', async () => {
      const options = expect.objectContaining({ code: 'ERR_OPTIONS' });
      expect(() =>
        // @ts-expect-error: an async function
        mine.$batch(async () => {
          mine.list.push(2);
        }),
      ).toThrow(options);
      expect(mine.list).toEqual([1]);
      expect(() => mine.$batch(7 as never)).toThrow(options);
      expect(mine.$batch(() => 'nothing')).toBe('nothing');
      await mine.$flush();
    });

    test('if one mutation cannot be kept, none is', async () => {
      const conflicts: string[] = [];
      mine.$on('conflict', ({ name }) => conflicts.push(name));
      await theirs.$sync();
      theirs['{bank}a'] = 'closed' as never;
      await theirs.$flush();
      // Before this process has heard of it, or after: either it throws here, or nothing of it is kept.
      let threw = false;
      try {
        mine.$batch(() => {
          mine['{bank}b'].log.push('half');
          mine['{bank}a'].log.push('half');
        });
      } catch {
        threw = true;
      }
      await mine.$sync();
      expect(mine['{bank}b'].log).toEqual([]);
      if (!threw) expect(conflicts.sort()).toEqual(['{bank}a', '{bank}b']);
    });
  });

  describe('$transaction', () => {
    const move = (from: Name, to: Name, amount: number) => (draft: State) => {
      if (draft[from].balance < amount) throw new RangeError('too little');
      draft[from].balance -= amount;
      draft[to].balance += amount;
      draft[to].log.push(`${amount}`);
      return draft[to].balance;
    };

    test('commits its writes if its reads are current', async () => {
      expect(await mine.$transaction(move('{bank}a', '{bank}b', 30))).toBe(130);
      expect(mine.$status.pending).toBe(0);
      await theirs.$sync();
      expect([theirs['{bank}a'], theirs['{bank}b']]).toEqual([
        { balance: 70, log: [] },
        { balance: 130, log: ['30'] },
      ]);
    });

    test('runs again if something it read has changed, and sees the change', async () => {
      const seen: number[] = [];
      const total = await mine.$transaction(async (draft) => {
        seen.push(draft['{bank}a'].balance);
        if (seen.length === 1) {
          theirs['{bank}a'].balance = 50;
          await theirs.$flush();
        }
        draft['{bank}b'].balance = draft['{bank}a'].balance * 2;
        return draft['{bank}b'].balance;
      });
      expect([total, seen.at(-1)]).toEqual([100, 50]);
      await theirs.$sync();
      expect(theirs['{bank}b'].balance).toBe(100);
    });

    test('relies on absences, too', async () => {
      const set = (draft: State) => {
        const there = draft['{bank}d'];
        draft['{bank}a'].balance = there ?? 0;
        return there;
      };
      expect(await mine.$transaction(set)).toBeUndefined();
      theirs['{bank}d'] = 7;
      await theirs.$flush();
      // It has never asked for it.
      const few = await Memory.open<State>({ url: apart(backend.url), names: ['{bank}a'] });
      expect(await few.$transaction(set)).toBe(7);
      expect(few['{bank}a'].balance).toBe(7);
      await few.$close();
    });

    test('sees one moment, also in late reads', async () => {
      const seen: unknown[] = [];
      const names: string[][] = [];
      await mine.$transaction(async (draft) => {
        if (seen.length === 0) {
          // The memory can be mutated beside the transaction, not before its first await.
          await null;
          mine['{bank}a'].balance = 7;
          mine['{bank}d'] = 1;
          delete (mine as AnyState)['{bank}c'];
        }
        seen.push([draft['{bank}a'].balance, draft['{bank}c']?.balance, draft['{bank}d']]);
        // To look at all names is to rely on all, which are in several slots of a cluster.
        if (kind !== 'cluster') names.push(Object.keys(draft).sort());
        draft['{bank}b'].balance++;
      });
      // A transaction that relies on all names starts over once more where the memory itself has created one meanwhile.
      expect([seen[0], seen[1], seen.at(-1)]).toEqual([
        [100, 100, undefined],
        [7, undefined, 1],
        [7, undefined, 1],
      ]);
      if (kind === 'cluster') return;
      expect([names[0], names.at(-1)]).toEqual([
        ['list', '{bank}a', '{bank}b', '{bank}c'],
        ['list', '{bank}a', '{bank}b', '{bank}d'],
      ]);
    });

    test('sees every commit that was acknowledged before it began, also when it only reads', async () => {
      for (let n = 1; n <= 50; n++) {
        theirs.$batch(() => {
          theirs['{bank}a'].balance = n;
          theirs['{bank}b'].balance = -n;
        });
        await theirs.$flush();
        const [a, b] = await mine.$transaction((draft) => [draft['{bank}a'].balance, draft['{bank}b'].balance]);
        expect([n, a, b]).toEqual([n, n, -n]);
      }
      expect(await mine.$transaction(() => 'nothing')).toBe('nothing');
    });

    test('that enumerates books the only seat once', { skip: kind === 'cluster' }, async () => {
      const book = (memory: Memory<State>, name: string) =>
        memory.$transaction((draft) => {
          if (Object.keys(draft).some((other) => other.startsWith('seat'))) return false;
          draft[name] = true;
          return true;
        });
      for (let round = 0; round < 20; round++) {
        const booked = await Promise.all([book(mine, `seat-${round}-mine`), book(theirs, `seat-${round}-theirs`)]);
        expect(booked.filter(Boolean)).toHaveLength(1);
        const taken = await theirs.$transaction((draft) =>
          Object.keys(draft).filter((name) => name.startsWith('seat')),
        );
        expect(taken).toHaveLength(1);
        await theirs.$transaction((draft) => {
          for (const name of Object.keys(draft)) if (name.startsWith('seat')) delete draft[name];
        });
        const left = await mine.$transaction((draft) => JSON.stringify(draft).includes('seat'));
        expect(left).toBe(false);
      }
    });

    test('that enumerates a memory of few names relies on their absence', async () => {
      const names = ['{bank}a', '{bank}seat-1', '{bank}seat-2'];
      const open = (url: string) => Memory.open<AnyState>({ url, names });
      const [one, two] = await Promise.all([open(backend.url), open(apart(backend.url))]);
      const book = (memory: Memory<AnyState>, name: string) =>
        memory.$transaction((draft) => {
          if (Object.keys(draft).length > 1) return false;
          draft[name] = true;
          return true;
        });
      const booked = await Promise.all([book(one, '{bank}seat-1'), book(two, '{bank}seat-2')]);
      expect(booked.filter(Boolean)).toHaveLength(1);
      await Promise.all([one.$close(), two.$close()]);
    });

    test('that enumerates on a cluster needs a prefix with a hash tag', { skip: kind !== 'cluster' }, async () => {
      await expect(mine.$transaction((draft) => Object.keys(draft).length)).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_CROSS_SLOT', message: expect.stringContaining('{app}') }),
      );
      const open = (url: string) => Memory.open<AnyState>({ url, prefix: '{app}:' });
      const [one, two] = await Promise.all([open(backend.url), open(apart(backend.url))]);
      expect(await one.$transaction((draft) => Object.keys(draft))).toEqual([]);
      two.first = 1;
      await two.$flush();
      expect(await one.$transaction((draft) => Object.keys(draft))).toEqual(['first']);
      await Promise.all([one.$close(), two.$close()]);
    });

    test('that only reads gives up after the last attempt', async () => {
      const hopeless = mine.$transaction(
        async (draft) => {
          const { length } = draft.list;
          theirs.list.push(length);
          await theirs.$flush();
        },
        { attempts: 3 },
      );
      await expect(hopeless).rejects.toEqual(conflict);
    });

    test('loads attributes that it reads', async () => {
      const other = await Memory.open<State>({ url: backend.url, names: [] });
      let runs = 0;
      const count = await other.$transaction((draft) => {
        runs++;
        draft.list = [...(draft.list ?? []), 2];
        return draft.list.length;
      });
      expect([count, runs]).toEqual([2, 2]);
      await other.$close();
    });

    test('rejects with the error of its function and changes nothing', async () => {
      const before = mine.$snapshot();
      await expect(mine.$transaction(move('{bank}a', '{bank}b', 101))).rejects.toThrow(RangeError);
      await expect(
        mine.$transaction(async (draft) => {
          draft.list.push(2);
          await theirs.$sync();
          throw new Error('of the test');
        }),
      ).rejects.toThrow('of the test');
      expect(mine.$snapshot()).toBe(before);
      expect(mine.$status.pending).toBe(0);
    });

    test('gives up after the last attempt', async () => {
      let runs = 0;
      const hopeless = mine.$transaction(
        async (draft) => {
          theirs.list.push(++runs);
          await theirs.$flush();
          draft.list.push(0);
        },
        { attempts: 3 },
      );
      await expect(hopeless).rejects.toEqual(conflict);
      expect(runs).toBe(3);
      await mine.$sync();
      expect(mine.list).toEqual([1, 1, 2, 3]);
    });

    test('its draft behaves like the memory, separately', async () => {
      let late: number[] = [];
      await mine
        .$transaction((draft) => {
          expect(Object.keys(draft)).toEqual(Object.keys(mine));
          expect('list' in draft).toBe(true);
          draft.list.push(2);
          draft.list.sort((a, b) => b - a);
          draft.fresh = { deep: { list: [] } };
          draft.fresh.deep.list.push(draft.list);
          delete (draft as Partial<State>)['{bank}c'];
          expect('{bank}c' in draft).toBe(false);
          expect(draft.list).toEqual([2, 1]);
          expect(mine.list).toEqual([1]);
          expect('fresh' in mine).toBe(false);
          late = draft.list;
          expect(() => draft.list.push((() => {}) as never)).toThrow(
            expect.objectContaining({ code: 'ERR_NOT_SERIALIZABLE' }),
          );
          return kind === 'cluster' ? Promise.reject(new Error('these are in different places')) : undefined;
        })
        .catch((error) => {
          if (kind !== 'cluster') throw error;
        });
      expect(() => late.push(3)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
      if (kind === 'cluster') return;
      await theirs.$sync();
      expect(theirs.$snapshot()).toEqual(mine.$snapshot());
      expect(theirs.fresh).toEqual({ deep: { list: [[2, 1]] } });
      expect('{bank}c' in theirs).toBe(false);
    });

    test('concurrent transfers keep the sum in every snapshot', async () => {
      const accounts = ['{bank}a', '{bank}b', '{bank}c'] as const;
      const sums = new Set<number>();
      const sum = (state: AnyState) => accounts.reduce((all, name) => all + state[name].balance, 0);
      const readers = [mine, theirs, await Memory.open<State>(backend.url)];
      const offs = readers.map((reader) => reader.$on('change', () => sums.add(sum(reader.$snapshot()))));
      const transfers = readers.flatMap((writer, w) =>
        Array.from({ length: 4 }, async (_, n) => {
          const [from, to] = [accounts[(n + w) % 3], accounts[(n + w + 1) % 3]] as [Name, Name];
          await writer.$transaction(move(from, to, 1 + n));
        }),
      );
      await Promise.all(transfers);
      for (const reader of readers) {
        await reader.$sync();
        sums.add(sum(reader.$snapshot()));
      }
      expect(sums).toEqual(new Set([300]));
      expect(accounts.reduce((all, name) => all + mine[name].log.length, 0)).toBe(12);
      for (const off of offs) off();
      await readers[2]?.$close();
    });
  });

  describe('$update', () => {
    test('changes in place or returns another value', async () => {
      expect(await mine.$update('list', (list) => [...list, 2])).toEqual([1, 2]);
      expect(
        await mine.$update('list', (list) => {
          list.push(3);
        }),
      ).toEqual([1, 2, 3]);
      expect(await mine.$update('absent', (value) => (value ?? 0) + 1)).toBe(1);
      await theirs.$sync();
      expect([theirs.list, theirs.absent]).toEqual([[1, 2, 3], 1]);
    });

    test('concurrent updates: none is lost', async () => {
      const both = [mine, theirs];
      await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          (both[n % 2] as Memory<State>).$update('list', (list) => [...list, n + 2]),
        ),
      );
      await mine.$sync();
      expect([...mine.list].sort((a, b) => a - b)).toEqual(Array.from({ length: 13 }, (_, n) => n + 1));
    });
  });

  test('attributes in different slots of a cluster are refused before anything is sent', {
    skip: kind !== 'cluster',
  }, async () => {
    const before = mine.$snapshot();
    const crossSlot = expect.objectContaining({ code: 'ERR_CROSS_SLOT', message: expect.stringContaining('{') });
    expect(() =>
      mine.$batch(() => {
        mine.list.push(2);
        mine['{bank}a'].balance = 0;
      }),
    ).toThrow(crossSlot);
    const transaction = mine.$transaction((draft) => {
      draft['{bank}a'].balance = draft.list.length;
    });
    await expect(transaction).rejects.toEqual(crossSlot);
    expect(mine.$snapshot()).toEqual(before);
    expect(mine.$status.pending).toBe(0);
  });
});
