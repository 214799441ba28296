import { describe, expectTypeOf, test } from 'vitest';
import type { ErrorCode, SyncedMemoryError } from '../src/base/errors.js';
import type { SyncedDict, SyncedList } from '../src/entry/common-exports.js';
import { Memory, PrefixedMemory } from '../src/index.js';

interface State {
  tasks: string[];
  config: { theme: string; lang?: string };
  scores: SyncedList<number>;
  settings: SyncedDict<{ size: number }>;
}

describe('a memory with a declared state', () => {
  test('open returns it', () => {
    expectTypeOf(() => Memory.open<State>()).returns.resolves.toEqualTypeOf<Memory<State>>();
    expectTypeOf(() => Memory.openSync<State>()).returns.toEqualTypeOf<Memory<State>>();
    expectTypeOf(() => PrefixedMemory.open<State>('scope')).returns.resolves.toEqualTypeOf<Memory<State>>();
  });

  test('attributes have the declared types', () => {
    expectTypeOf<Memory<State>['tasks']>().toEqualTypeOf<string[]>();
    expectTypeOf<Memory<State>['config']['lang']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Memory<State>['scores']['append']>().parameters.toEqualTypeOf<[number]>();
    expectTypeOf<Memory<State>['settings']['update']>().parameter(0).toEqualTypeOf<Partial<{ size: number }>>();
    const use = (mem: Memory<State>) => {
      mem.tasks = ['a'];
      mem.tasks.push('b');
      // @ts-expect-error: not a string
      mem.tasks.push(1);
      // @ts-expect-error: no such attribute
      mem.unknown = 1;
    };
    expectTypeOf(use).returns.toBeVoid();
  });

  test('methods are typed', () => {
    type M = Memory<State>;
    expectTypeOf<M['$flush']>().toEqualTypeOf<(options?: { timeout?: number; replicas?: number }) => Promise<void>>();
    expectTypeOf<M['$lastModified']>().returns.toEqualTypeOf<bigint | undefined>();
    expectTypeOf<M['$status']['state']>().toEqualTypeOf<'connecting' | 'connected' | 'disconnected' | 'closed'>();
    const use = (mem: M) => {
      const off = mem.$on('error', (error) => expectTypeOf(error).toEqualTypeOf<SyncedMemoryError>());
      expectTypeOf(off).toEqualTypeOf<() => void>();
      mem.$on('change', ({ revision }) => expectTypeOf(revision).toEqualTypeOf<bigint | undefined>(), ['tasks', 0]);
      mem.$on('ack', () => {}, undefined, { keepAlive: true });
      // @ts-expect-error: no such option
      mem.$on('ack', () => {}, undefined, { keepalive: true });
      // @ts-expect-error: no such event
      mem.$on('nonsense', () => {});
    };
    expectTypeOf(use).returns.toBeVoid();
  });
});

test('the code of an error is one of a union', () => {
  expectTypeOf<SyncedMemoryError['code']>().toEqualTypeOf<ErrorCode>();
  // @ts-expect-error: a misspelled code
  const isClosed = (error: SyncedMemoryError) => error.code === 'ERR_CLOSE';
  expectTypeOf(isClosed).returns.toBeBoolean();
});

test('open infers the state from defaults, validators and names', () => {
  const use = async () => {
    const mem = await Memory.open({ defaults: { tasks: [] as string[], log: [], count: 0 }, names: ['config'] });
    expectTypeOf(mem.tasks).toEqualTypeOf<string[]>();
    expectTypeOf(mem.count).toEqualTypeOf<number>();
    expectTypeOf(mem.log[0]).toBeAny();
    expectTypeOf(mem.config).toBeAny();
    // @ts-expect-error: no such attribute
    mem.other = 1;
    const declared: Memory<State> = await Memory.open({ defaults: { tasks: [] } });
    expectTypeOf(declared.scores).toEqualTypeOf<SyncedList<number>>();
    expectTypeOf(await Memory.open({ names: ['tasks'] })).toEqualTypeOf<Memory>();
  };
  expectTypeOf(use).returns.resolves.toBeVoid();
});

test('options are typed', () => {
  const use = (mem: Memory) => {
    void Memory.open({ url: 'memory:', pythonMethods: false, defaults: { tasks: [] } });
    void mem.$scope('scope', { pythonMethods: true });
    // @ts-expect-error: not a boolean
    void Memory.open({ pythonMethods: 'no' });
    // @ts-expect-error: `new` opens no memory
    new Memory();
  };
  expectTypeOf(use).returns.toBeVoid();
});

describe('the elements that $shift and $pop return', () => {
  interface Queues {
    jobs: { id: number }[];
    more?: SyncedList<string>;
    nested: { todo: string[]; rows: number[][] };
    count: number;
  }
  test('have the declared types', () => {
    const use = async (mem: Memory<Queues>) => {
      expectTypeOf(await mem.$shift('jobs')).toEqualTypeOf<{ id: number } | undefined>();
      expectTypeOf(await mem.$pop('more')).toEqualTypeOf<string | undefined>();
      expectTypeOf(await mem.$shift(['nested', 'todo'])).toEqualTypeOf<string | undefined>();
      expectTypeOf(await mem.$pop(['nested', 'rows', 0])).toEqualTypeOf<number | undefined>();
      // @ts-expect-error: not a list
      await mem.$shift('count');
      // @ts-expect-error: no such attribute
      await mem.$shift(['nothing', 'todo']);
    };
    expectTypeOf(use).returns.resolves.toBeVoid();
  });

  test('are anything in a memory without a declared state', () => {
    const use = async (mem: Memory) => {
      expectTypeOf(await mem.$shift('jobs')).toBeAny();
      expectTypeOf(await mem.$pop(['a', 'b', 0])).toBeAny();
    };
    expectTypeOf(use).returns.resolves.toBeVoid();
  });
});

test('a memory without a declared state accepts everything', () => {
  const use = (mem: Memory) => {
    mem.anything = { goes: [1] };
    mem.anything.goes.append(2);
  };
  expectTypeOf(use).returns.toBeVoid();
});
