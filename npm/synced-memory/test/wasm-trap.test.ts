import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import type { SyncedMemoryError } from '../src/base/errors.js';
import { engine } from '../src/entry/wasm-node.js';
import { createMemoryClasses } from '../src/memory/memory-classes.js';
import type { Memory as MemoryOf } from '../src/memory/memory-methods.js';
import * as glue from '../wasm/core.js';

interface State {
  tasks: string[];
  done: string[];
  log: string[];
}

const { Memory } = createMemoryClasses({ url: () => 'memory:', prefix: () => undefined }, engine);

/** The generated types leave the test's function out. */
const { provokePanic } = glue as unknown as { provokePanic(value: string): never };

/** The next such call of any session panics in its place. The message of the panic holds the value. */
function panicAtNext(method: 'submit' | 'takeEvents', value: string): void {
  const spy = vi.spyOn(glue.Session.prototype, method).mockImplementation(() => {
    spy.mockRestore();
    return provokePanic(value);
  });
}

async function open(errors: SyncedMemoryError[] = []): Promise<MemoryOf<State>> {
  return Memory.open<State>({ onError: (error) => errors.push(error) });
}

/** Rejects where `$flush` throws at once, too. */
async function flushed(mem: MemoryOf<State>): Promise<void> {
  await mem.$flush();
}

/** Resolves when no microtask is left. */
const idle = () => new Promise((resolve) => setImmediate(resolve));

/** The message of the memory whose unacknowledged mutations these are. */
function message(losses: string): RegExp {
  const place = String.raw`a test asked for this panic \(crates/wasm/src/panic\.rs:\d+\)`;
  return new RegExp(
    `^synced-memory: the core failed \\(${place}\\) and this memory is closed; ${losses}; open it again`,
  );
}

test('a panic closes every memory of the instance, and each names what it may lose', async () => {
  const errors: [SyncedMemoryError[], SyncedMemoryError[], SyncedMemoryError[]] = [[], [], []];
  const [first, second, third] = [await open(errors[0]), await open(errors[1]), await open(errors[2])];
  third.tasks = ['acknowledged'];
  await third.$flush();
  await idle();

  first.tasks = ['secret'];
  first.done = [];
  second.log = [];
  panicAtNext('submit', 'secret');
  const flushes = [flushed(first), flushed(second)];
  const reasons = await Promise.all(flushes.map((flush) => flush.catch((error: SyncedMemoryError) => error)));
  await idle();

  const losses = [
    'unacknowledged mutations of tasks, done may be lost',
    'unacknowledged mutations of log may be lost',
    'every mutation was acknowledged',
  ];
  for (const [index, mem] of [first, second, third].entries()) {
    expect(errors[index]).toHaveLength(1);
    expect(errors[index]?.[0]).toMatchObject({
      code: 'ERR_INTERNAL',
      message: expect.stringMatching(message(losses[index] ?? '')),
    });
    expect(mem.$status.state).toBe('closed');
    expect(() => Reflect.set(mem, 'late', [])).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    await mem.$close();
  }
  expect(reasons).toEqual([errors[0]?.[0], errors[1]?.[0]]);
});

test('memories that are opened after a panic have a fresh instance, which the old one does not disturb', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) {
    const errors: SyncedMemoryError[] = [];
    const mem = await open(errors);
    mem.tasks = ['before'];
    await mem.$flush();
    panicAtNext('takeEvents', 'x');
    mem.tasks.push('lost');
    await expect(flushed(mem)).rejects.toMatchObject({ code: 'ERR_INTERNAL' });
    expect(errors).toHaveLength(1);

    const later = await open();
    gc();
    await idle();
    later.tasks = ['täsk'.repeat(1000)];
    await later.$flush();
    expect(later.$lastModified('tasks')).toBeTypeOf('bigint');
    await later.$close();
  }
});

test('an error of the core ends no instance', async () => {
  const mem = await open();
  expect(() => Reflect.set(mem, '$reserved', [])).toThrow(expect.objectContaining({ code: 'ERR_RESERVED_NAME' }));
  mem.tasks = [];
  await mem.$flush();
  await expect(mem.$ttl('a:b' as never)).rejects.toMatchObject({ code: 'ERR_RESERVED_NAME' });
  await mem.$close();
});
