import assert from 'node:assert';
import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MemoryBase, openMemory } from '../src/memory/memory-base.js';
import type { Memory } from '../src/memory/memory-methods.js';
import { resolveOptions } from '../src/memory/resolve-options.js';
import { KnownAttributes } from '../src/mirror/known-attributes.js';
import { FakeSession, testClock } from './support/fake-session.js';

/** A memory whose server was not reached. */
async function openOffline(options: object = {}): Promise<{ mem: Memory; session: FakeSession }> {
  const session = new FakeSession();
  const transport = { execute: async () => [], clock: testClock() };
  const given = [{ transport, offline: true, ...options }] as const;
  const resolved = resolveOptions(given, { url: () => '', prefix: () => undefined });
  return { mem: await openMemory(MemoryBase.prototype, session.factory, resolved), session };
}

const notLoaded = expect.objectContaining({ code: 'ERR_NOT_LOADED' });

/** Everything that a test runner, a console or the language does with an object, whatever its attributes. */
const uses: ((value: object) => unknown)[] = [
  (value) => Promise.resolve(value),
  async (value) => value,
  (value) => String(value),
  (value) => [value].flat(),
  (value) => structuredClone(value),
  (value) => inspect(value),
  (value) => inspect(value, { showProxy: true }),
  (value) => new Console(new PassThrough()).log('%o %s %j', value, value, value, value),
  (value) => JSON.stringify({ value }),
  (value) => assert.deepStrictEqual(value, {}),
  (value) => assert.deepEqual(value, { other: 1 }),
  (value) => expect(value).toEqual({}),
  (value) => expect(value).toEqual(1),
  (value) => expect({ value }).toStrictEqual({ value: {} }),
  (value) => expect(value).toMatchObject({}),
  (value) => expect(value).not.toEqual({}),
  (value) => expect(value).toBe(1),
  (value) => expect(value).toBeInstanceOf(Map),
  (value) => expect([value]).toContainEqual(1),
  (value) => expect(value).toSatisfy(() => false),
  (value) => expect(() => value).toThrow(),
];

describe('names that are looked up in every object', () => {
  test('read as on a plain object while they are unknown', async () => {
    const probed = new Set<string>();
    const note = (name: string | symbol) => void (typeof name === 'string' && probed.add(name));
    const recorder = new Proxy(
      {},
      {
        get: (target, name, receiver) => {
          note(name);
          return Reflect.get(target, name, receiver);
        },
        has: (target, name) => {
          note(name);
          return Reflect.has(target, name);
        },
      },
    );
    for (const use of uses) await (async () => use(recorder))().catch(() => {});
    expect([...probed]).toEqual(expect.arrayContaining(['then', 'toJSON', 'asymmetricMatch', 'constructor']));

    const { mem } = await openOffline();
    const plain: Record<string, unknown> = Object.create(MemoryBase.prototype);
    for (const name of [...probed, ...Object.getOwnPropertyNames(Object.prototype), '@@__IMMUTABLE_KEYED__@@']) {
      expect(mem[name]).toBe(plain[name]);
      expect(name in mem).toBe(name in plain);
    }
    expect(() => mem.tasks).toThrow(notLoaded);
    expect(await (async () => mem)()).toBe(mem);
  });

  test('are attributes as all others once they are known', async () => {
    const { mem, session } = await openOffline({ names: ['then'] });
    session.emit(['load', 'then', '1', 1, 5], ['ready']);
    expect(mem.then).toBe(5);
  });
});

test('console.log shows what is known, and how much is not', async () => {
  const { mem, session } = await openOffline({ names: ['a', 'b'], defaults: { b: [1] } });
  const texts = () => inspect({ mem }, { breakLength: 1000 });
  expect(texts()).toBe('{ mem: MemoryBase { b: [ 1 ] } (not loaded: 2) }');
  session.emit(['load', 'a', '1', 1, { deep: true }]);
  expect(texts()).toBe('{ mem: MemoryBase { b: [ 1 ], a: { deep: true } } (not loaded: 1) }');
  session.emit(['ready']);
  expect(texts()).toBe('{ mem: MemoryBase { b: [ 1 ], a: { deep: true } } }');

  const all = await openOffline();
  all.mem.written = 1;
  expect(inspect(all.mem)).toBe('MemoryBase { written: 1 } (not loaded yet: everything else)');
  all.session.emit(['ready']);
  expect(inspect(all.mem)).toBe('MemoryBase { written: 1 }');
});

test('a memory of names knows what it was asked for', async () => {
  const { mem, session } = await openOffline({ names: ['a', 'b'], defaults: { c: 0 } });
  expect(mem.$status.unknown).toEqual(['a', 'b', 'c']);
  expect(() => mem.a).toThrow(/^a: not loaded.*\$ready\(\).*defaults/);
  expect(() => mem.other).toThrow(/^other: not loaded.*names.*\$load\(\['other'\]\)/);
  expect(mem.c).toBe(0);
  expect(() => Object.keys(mem)).toThrow(/^a: not loaded/);
  mem.a = 1;
  session.emit(['load', 'b', '7', 1, 2]);
  expect(Object.keys(mem)).toEqual(['c', 'a', 'b']);
  expect(mem.$status.unknown).toEqual(['a', 'c']);
  session.emit(['ready']);
  expect(mem.$status.unknown).toEqual([]);
  mem.written = true;
  expect(mem.$snapshot()).toEqual({ a: 1, b: 2, c: 0, written: true });
  expect(() => mem.other).toThrow(notLoaded);
});

test('$load makes an attribute known, also an absent one', async () => {
  const { mem, session } = await openOffline({ names: [] });
  session.emit(['ready']);
  const loaded = mem.$load(['x']);
  expect(mem.$status.unknown).toEqual(['x']);
  expect(() => Object.keys(mem)).toThrow(/^x: not loaded/);
  session.emit(['refreshed', 1]);
  await loaded;
  expect('x' in mem).toBe(false);
  expect(mem.$status.unknown).toEqual([]);
});

test('a deletion of an unknown attribute is recorded, and it is unknown again where that is reverted or refused', async () => {
  const { mem, session } = await openOffline();
  expect(() =>
    mem.$batch(() => {
      delete mem.x;
      expect(mem.x).toBeUndefined();
      throw new RangeError();
    }),
  ).toThrow(RangeError);
  expect(() => mem.x).toThrow(notLoaded);
  delete mem.x;
  delete mem.x;
  await Promise.resolve();
  expect(session.take()).toEqual(['submit [["delete","x"]]']);
  expect(mem.x).toBeUndefined();
  session.emit(['rejected', 'x', 'ERR_REFUSED', 'test', 1], ['settled', 1]);
  expect(() => mem.x).toThrow(notLoaded);
});

test('an attribute whose assignment is refused before it was learned is unknown again', async () => {
  const { mem, session } = await openOffline({ onError: () => {} });
  mem.x = 1;
  session.emit(['rejected', 'x', 'ERR_REFUSED', 'test', 1], ['gone', 'x'], ['settled', 1]);
  expect(() => mem.x).toThrow(notLoaded);
  mem.y = 1;
  session.emit(['ack', 'y', '5', 1, 1, 1], ['gone', 'y']);
  expect(mem.y).toBeUndefined();
});

test('$increment loads an unknown number first, and a flush waits for both', async () => {
  const { mem, session } = await openOffline({ names: [] });
  session.emit(['ready']);
  const sum = mem.$increment('n', 2);
  let isFlushed = false;
  const flushed = mem.$flush().then(() => {
    isFlushed = true;
  });
  expect(session.take()).toEqual(['refresh n']);
  session.emit(['load', 'n', '1', 2, 40], ['refreshed', 1]);
  await new Promise(setImmediate);
  expect(session.take()).toEqual(['submit [["increment","n",[],2]]']);
  expect([mem.n, isFlushed]).toEqual([42, false]);
  session.emit(['result', 1, [42]], ['settled', 1]);
  expect(await sum).toBe(42);
  await flushed;
});

test('an $increment that is refused after the load raises an error event', async () => {
  const codes: string[] = [];
  const { mem, session } = await openOffline({ names: [], onError: ({ code }: { code: string }) => codes.push(code) });
  session.emit(['ready']);
  const sum = mem.$increment('n');
  session.emit(['load', 'n', '1', 4, 'text'], ['refreshed', 1]);
  await expect(sum).rejects.toMatchObject({ code: 'ERR_NOT_A_NUMBER' });
  expect(codes).toEqual(['ERR_NOT_A_NUMBER']);
});

test('$increment in a batch cannot load', async () => {
  const { mem } = await openOffline({ names: [] });
  let sum: Promise<unknown> | undefined;
  mem.$batch(() => {
    sum = mem.$increment('n');
  });
  await expect(sum).rejects.toMatchObject({ code: 'ERR_NOT_LOADED' });
});

test('a copy for a draft keeps deletions to itself', () => {
  const known = new KnownAttributes(['a'], []);
  const copy = known.copy();
  copy.noteDeletion('a');
  expect([known.isKnown('a'), copy.isKnown('a')]).toEqual([false, true]);
});
