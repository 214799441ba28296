import { describe, expectTypeOf, test } from 'vitest';
import type { ErrorCode, SyncedMemoryError } from '../src/base/errors.js';
import type { Change, Json, Snapshot, StandardSchema, SyncedDict, SyncedList } from '../src/entry/common-exports.js';
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

test('a schema alone gives optional attributes', () => {
  const use = async (user: StandardSchema<{ age: number }>, log: StandardSchema<string[]>) => {
    const mem = await Memory.open({ schema: { user, log }, defaults: { log: [] } });
    expectTypeOf(mem.user).toEqualTypeOf<{ age: number } | undefined>();
    expectTypeOf(mem.log).toEqualTypeOf<string[]>();
    // @ts-expect-error: undefined is not stored
    mem.user = undefined;
    delete mem.user;
  };
  expectTypeOf(use).returns.resolves.toBeVoid();
});

describe('paths are checked', () => {
  interface Stats {
    total: number;
    days: { hits: number; note?: string }[];
    byName: Record<string, { best?: bigint }>;
  }

  test('$increment takes those of numbers', () => {
    const use = async (mem: Memory<Stats>, path: readonly ['byName', string, 'best'], loose: Memory) => {
      expectTypeOf(await mem.$increment('total')).toEqualTypeOf<number | bigint>();
      await mem.$increment(['days', 0, 'hits']);
      await mem.$increment(path);
      await loose.$increment(['any', 'path', 0]);
      // @ts-expect-error: a text
      await mem.$increment(['days', 0, 'note']);
      // @ts-expect-error: a list
      await mem.$increment('days');
    };
    expectTypeOf(use).returns.resolves.toBeVoid();
  });

  test('a change tells its kind and its attribute', () => {
    expectTypeOf<Change['kind']>().toEqualTypeOf<'set' | 'delete' | 'splice' | 'reload'>();
    expectTypeOf<Change<Stats>['name']>().toEqualTypeOf<keyof Stats>();
    expectTypeOf<Change<Stats, 'total'>['path']>().toEqualTypeOf<readonly ['total', ...(string | number)[]]>();
    expectTypeOf<(Change<Stats> & { kind: 'delete' })['value']>().toEqualTypeOf<undefined>();
    expectTypeOf<Extract<Change<Stats, 'total'>, { kind: 'set' }>['value']>().toEqualTypeOf<number>();
    expectTypeOf<Extract<Change<Stats, 'days'>, { kind: 'set' }>['value']>().toBeUnknown();
    expectTypeOf<Extract<Change<{ log: string[] }>, { kind: 'splice' }>['value']>().toEqualTypeOf<readonly string[]>();
    const use = async (mem: Memory<Stats>, loose: Memory) => {
      mem.$on('change', (change) => expectTypeOf(change.name).toEqualTypeOf<'days'>(), ['days', 0]);
      mem.$on('change', (change) => expectTypeOf(change).toEqualTypeOf<Change<Stats>>());
      for await (const { name } of mem.$changes('total')) expectTypeOf(name).toEqualTypeOf<'total'>();
      loose.$on('change', (change) => expectTypeOf(change).toEqualTypeOf<Change>());
      loose.$on('change', ({ name }) => expectTypeOf(name).toEqualTypeOf<'any'>(), ['any', 0]);
    };
    expectTypeOf(use).returns.resolves.toBeVoid();
  });

  test('$snapshot is of the memory, or of an attribute', () => {
    const use = (mem: Memory<Stats>, loose: Memory) => {
      expectTypeOf(mem.$snapshot()).toEqualTypeOf<Snapshot<Stats>>();
      expectTypeOf(mem.$snapshot('total')).toEqualTypeOf<number>();
      expectTypeOf(loose.$snapshot('anything')).toBeAny();
    };
    expectTypeOf(use).returns.toBeVoid();
  });
});

test('a method without its $ is never', () => {
  expectTypeOf<Memory<State>['flush']>().toBeNever();
  expectTypeOf<Memory<{ flush: number }>['flush']>().toEqualTypeOf<number>();
  expectTypeOf<Memory['flush']>().toBeAny();
});

test('Json is the type of what is stored', () => {
  interface Node {
    name: string;
    made: Date;
    size: bigint;
    next?: Node;
    walk(): void;
  }
  expectTypeOf<Json<Node>['made']>().toEqualTypeOf<string>();
  expectTypeOf<Json<Node>['size']>().toEqualTypeOf<bigint>();
  expectTypeOf<keyof Json<Node>>().toEqualTypeOf<'name' | 'made' | 'size' | 'next'>();
  expectTypeOf<NonNullable<Json<Node>['next']>['made']>().toEqualTypeOf<string>();
  expectTypeOf<Json<Map<string, Set<number>>>>().toEqualTypeOf<Record<string, number[]>>();
  expectTypeOf<Json<[Date, number]>>().toEqualTypeOf<[string, number]>();
  expectTypeOf<Json<SyncedList<Date>>>().toEqualTypeOf<SyncedList<string>>();
  expectTypeOf<Json<State>['settings']['update']>().parameter(0).toEqualTypeOf<Partial<{ size: number }>>();
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
