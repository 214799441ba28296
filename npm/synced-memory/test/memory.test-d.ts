import { describe, expectTypeOf, test } from 'vitest';
import type { SyncedMemoryError } from '../src/errors.js';
import { Memory, PrefixedMemory } from '../src/index.js';
import type { SyncedDict, SyncedList } from '../src/synced.js';

interface State {
  tasks: string[];
  config: { theme: string; lang?: string };
  scores: SyncedList<number>;
  settings: SyncedDict<{ size: number }>;
}

describe('a memory of a known shape', () => {
  test('opens as such', () => {
    expectTypeOf(() => Memory.open<State>()).returns.resolves.toEqualTypeOf<Memory<State>>();
    expectTypeOf(() => Memory.openSync<State>()).returns.toEqualTypeOf<Memory<State>>();
    expectTypeOf(() => PrefixedMemory.open<State>('scope')).returns.resolves.toEqualTypeOf<Memory<State>>();
  });

  test('reads and takes what is declared', () => {
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

  test('methods', () => {
    type M = Memory<State>;
    expectTypeOf<M['$flush']>().toEqualTypeOf<(options?: { timeout?: number; replicas?: number }) => Promise<void>>();
    expectTypeOf<M['$lastModified']>().returns.toEqualTypeOf<bigint | undefined>();
    expectTypeOf<M['$status']['state']>().toEqualTypeOf<'connecting' | 'connected' | 'disconnected' | 'closed'>();
    const use = (mem: M) => {
      const off = mem.$on('error', (error) => expectTypeOf(error).toEqualTypeOf<SyncedMemoryError>());
      expectTypeOf(off).toEqualTypeOf<() => void>();
      // @ts-expect-error: no such event
      mem.$on('nonsense', () => {});
    };
    expectTypeOf(use).returns.toBeVoid();
  });
});

test('a memory of an unknown shape takes everything', () => {
  const use = (mem: Memory) => {
    mem.anything = { goes: [1] };
    mem.anything.goes.append(2);
  };
  expectTypeOf(use).returns.toBeVoid();
});
