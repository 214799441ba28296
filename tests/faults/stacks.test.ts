// The stack of an error begins at the line of the program that made the mistake, not inside the package.
import { append, clear, Memory, pop, snapshot, synced, update } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: the calls are wrong on purpose
let mem: any;
// biome-ignore lint/suspicious/noExplicitAny: likewise
let offline: any;
beforeAll(async () => {
  mem = await Memory.open('memory:');
  Object.assign(mem, { list: [1, 2], dict: {}, count: 1 });
  offline = await Memory.open({ url: 'memory:', names: [] });
});
afterAll(async () => {
  await mem.$close();
  await offline.$close();
});

/** The first frame of the stack of the error by which a call fails. */
async function firstFrame(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
  } catch (error) {
    const { name, message, stack = '' } = error as Error;
    expect(name).toBe('SyncedMemoryError');
    return stack.slice(stack.indexOf(message) + message.length).split('\n')[1];
  }
  throw new Error('nothing failed');
}

const mutations = {
  push: () => mem.list.push(new Date()),
  assignElement: () => {
    mem.list[0] = { deep: [() => 1] };
  },
  deleteElement: () => delete mem.list[0],
  assignKey: () => {
    mem.dict.key = Number.NaN;
  },
  popKey: () => mem.dict.pop('absent'),
  assignAttribute: () => {
    mem.$name = 1;
  },
  pushInBatch: () => mem.$batch(() => mem.list.push(new Map())),
  listen: () => mem.$on('nothing', () => {}),
  appendByFunction: () => append(mem.list, Number.NaN),
  popByFunction: () => pop(mem.dict, 'absent'),
  updateByFunction: () => update(mem.dict, { at: new Date() }),
  clearAnother: () => clear(mem),
  snapshotAnother: () => snapshot({}),
  syncedAnother: () => synced([]),
  construct: () => Reflect.construct(Memory as never, []),
  read: () => offline.unknown,
  test: () => 'unknown' in offline,
};

const calls = {
  increment: () => mem.$increment('list'),
  load: () => mem.$load('list'),
  flush: () => mem.$flush(5),
  mutateInTransaction: () => mem.$transaction(() => mem.list.push(1)),
  open: () => Memory.open({ url: undefined } as never),
};

const awaited = {
  at: async () => await mem.$at('count', 1n),
  openElsewhere: async () => await Memory.open('redis://127.0.0.1:1?tls=true'),
  pushInTransaction: async () =>
    await mem.$transaction(async (draft: typeof mem) => {
      await undefined;
      draft.list.push(Symbol('no data'));
    }),
};

describe.skipIf(!('captureStackTrace' in Error)).each(Object.entries({ ...mutations, ...calls, ...awaited }))(
  '%s',
  (name, call) => {
    test('fails at its line', async () => {
      expect(await firstFrame(call)).toMatch(/stacks\.test\.ts:\d+/);
      expect(name).toBe(call.name);
    });
  },
);

test('an error of the program keeps its stack', async () => {
  const own = new TypeError('of the program');
  const { stack } = own;
  const fail = () => {
    throw own;
  };
  expect(() => mem.$batch(fail)).toThrow(own);
  await expect(mem.$transaction(fail)).rejects.toBe(own);
  await expect(mem.$transaction(async () => Promise.reject(undefined))).rejects.toBe(undefined);
  expect(own.stack).toBe(stack);
});
