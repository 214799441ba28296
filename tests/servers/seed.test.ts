// The examples that started it all, from the Python package's manual: in blocking mode as they stand there, and in
// async mode with $flush and $sync between the two memories.
import {
  asDict,
  asdict,
  asList,
  aslist,
  type SyncedDict as Dict,
  type SyncedList as List,
  Memory,
  SyncedDict,
  SyncedList,
} from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Backend, backends, kinds, onWasm } from './backends.js';

interface State {
  tasks: List<number>;
  config: Dict<Record<string, unknown>>;
  data: { users: { name: string; scores: List<number> }[] };
}

/** Opens the two memories, and synchronises one with the other. */
const modes = {
  blocking: {
    open: async (url: string) => Memory.openSync<State>({ url }),
    between: async (_from: Memory<State>, _to: Memory<State>) => {},
  },
  async: {
    open: (url: string) => Memory.open<State>({ url }),
    between: async (from: Memory<State>, to: Memory<State>) => {
      await from.$flush();
      await to.$sync();
    },
  },
};

describe.each(kinds)('on %s', (kind) => {
  let backend: Backend;

  beforeAll(async () => {
    backend = await backends[kind]();
  });
  afterAll(() => backend.stop());

  describe.each(onWasm ? (['async'] as const) : (['blocking', 'async'] as const))('in %s mode', (mode) => {
    const { open, between } = modes[mode];
    let memory: Memory<State>;
    let other: Memory<State>;

    beforeEach(async () => {
      memory = await open(backend.url);
      other = await open(backend.url);
      return async () => {
        for (const name of Object.keys(memory)) delete (memory as Partial<State>)[name as keyof State];
        await memory.$close();
        await other.$close();
      };
    });

    test('a list', async () => {
      memory.tasks = [1, 2, 3] as unknown as List<number>;
      memory.tasks.append(4);
      memory.tasks.extend([5, 6]);
      memory.tasks.insert(0, 0);
      memory.tasks.remove(0);
      memory.tasks.pop();
      await between(memory, other);
      expect(other.tasks).toEqual([1, 2, 3, 4, 5]);
    });

    test('a dict', async () => {
      memory.config = { theme: 'dark', language: 'en' } as unknown as State['config'];
      memory.config.theme = 'light';
      memory.config.notifications = true;
      memory.config.update({ font: 'Arial', size: 12 });
      await between(memory, other);
      expect(Object.entries(other.config)).toEqual([
        ['theme', 'light'],
        ['language', 'en'],
        ['notifications', true],
        ['font', 'Arial'],
        ['size', 12],
      ]);
    });

    test('nested', async () => {
      memory.data = { users: [{ name: 'Alice', scores: [95, 87] as unknown as List<number> }] };
      memory.data.users[0]?.scores.append(92);
      await between(memory, other);
      expect(other.data.users[0]?.scores).toEqual([95, 87, 92]);
    });

    test('plain copies are independent, recursively', () => {
      memory.data = { users: [{ name: 'Alice', scores: [95, 87] as unknown as List<number> }] };
      memory.tasks = [1] as unknown as List<number>;
      for (const copy of [asDict(memory.data), asdict(memory.data)]) {
        copy.users[0]?.scores.push(0);
        expect(copy).not.toBeInstanceOf(SyncedDict);
        expect(copy.users).not.toBeInstanceOf(SyncedList);
      }
      for (const copy of [asList(memory.tasks), aslist(memory.tasks), memory.tasks.aslist(), memory.tasks.asList()]) {
        copy.push(2);
        expect(copy).not.toBeInstanceOf(SyncedList);
      }
      expect(memory.data).toEqual({ users: [{ name: 'Alice', scores: [95, 87] }] });
      expect(memory.tasks).toEqual([1]);
      expect(memory.data).toBeInstanceOf(SyncedDict);
      expect(memory.data.users).toBeInstanceOf(SyncedList);
      expect(memory.data.users[0]?.scores).toBeInstanceOf(SyncedList);
    });

    test('mutations that the Python package does not sync in place', async () => {
      memory.tasks = [3, 1, 2, 9] as unknown as List<number>;
      memory.tasks.sort();
      memory.tasks.reverse();
      memory.tasks[1] = 7;
      memory.tasks.pop(0);
      await between(memory, other);
      expect(other.tasks).toEqual([7, 2, 1]);
      memory.tasks.clear();
      await between(memory, other);
      expect(other.tasks).toEqual([]);

      memory.config = { a: 1, b: 2, c: 3, d: 4 } as unknown as State['config'];
      expect(memory.config.popitem()).toEqual(['d', 4]);
      expect(memory.config.pop('a')).toBe(1);
      expect(memory.config.setdefault('e', 5)).toBe(5);
      expect(memory.config.setdefault('b', 0)).toBe(2);
      delete memory.config.c;
      await between(memory, other);
      expect(Object.entries(other.config)).toEqual([
        ['b', 2],
        ['e', 5],
      ]);
      memory.config.clear();
      await between(memory, other);
      expect(other.config).toEqual({});
    });
  });
});
