// Random work in several memories of one faulty server, through the proxies, batches, transactions and increments, beside
// somebody who writes whole documents, and nonsense: in the end all have what the server has, and changes tell how they
// came to it. SYNCED_MEMORY_SEEDS says how many seeds, SYNCED_MEMORY_FROM from which on.
import { isDeepStrictEqual } from 'node:util';
import type { Change } from 'synced-memory/edge';
import { type Fault, Memory, SyncedDict, SyncedList, SyncedMemoryError, TestServer } from 'synced-memory/testing';
import { expect, test } from 'vitest';
import { type Any, names, RandomWork } from './random-work.js';
import { hasty, randomFrom } from './support.js';

const first = Number(process.env.SYNCED_MEMORY_FROM ?? 1);
const seeds = Array.from({ length: Number(process.env.SYNCED_MEMORY_SEEDS ?? 60) }, (_, n) => first + n);
const steps = 120;
/** Virtual milliseconds after which nothing can still be on its way. */
const AN_HOUR = 3_600_000;

/** What random work may be refused with, or taken back. */
const allowed = [
  'ERR_DETACHED',
  'ERR_CONFLICT',
  'ERR_NOT_A_NUMBER',
  'ERR_NOT_FOUND',
  'ERR_OUTCOME_UNKNOWN',
  'ERR_MALFORMED',
  'ERR_SCHEMA',
  'ERR_TOO_LARGE',
];
const faults: Fault[] = ['reject', 'lose', 'hang', 'drop', 'garble', { delay: 40 }, { delay: 400 }];

test.each(seeds)('seed %i', async (seed) => {
  const random = randomFrom(seed);
  const work = new RandomWork(random);
  const { below, pick } = { below: work.below.bind(work), pick: work.pick.bind(work) as RandomWork['pick'] };
  const clock = hasty(seed);
  const server = new TestServer(clock);
  const rate = pick([0, 0, 0.1, 0.3]);
  server.faults = () => (random() < rate ? pick(faults) : undefined);
  /** What the promise resolves to; time passes until it does. */
  const passing = async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false;
    const end = () => {
      isDone = true;
    };
    promise.then(end, end);
    for (let spent = 0; !isDone; spent += 500) {
      if (spent > AN_HOUR) throw new Error('it hangs');
      await clock.advance(500);
    }
    return promise;
  };

  let isBusy = true;
  const [isStrict, isTalkative] = [below(3) === 0, below(3) === 0];
  const options = {
    names: [...names],
    maxDocumentBytes: pick([900, 1_000_000]),
    ...(isStrict && { schema: { b: shortLists } }),
    onError: () => {},
  };
  const open = async () => {
    const memory: Any = await passing(Memory.open({ transport: server.transport(), ...options }));
    const watched = watch(memory);
    let answers = 20;
    if (isTalkative) {
      memory.$on('change', ({ origin }: Change) => {
        if (origin === 'remote' && isBusy && answers-- > 0 && below(3) === 0) attempt(() => work.mutate(memory));
      });
    }
    return { memory, watched };
  };
  const all = [await open(), await open(), await open()];
  const promises: Promise<unknown>[] = [];
  const held: Any[] = [];
  const acts: ((memory: Any) => unknown)[] = [
    ...Array(11).fill((memory: Any) => attempt(() => work.mutate(memory))),
    (memory) =>
      attempt(() =>
        memory.$batch(() => {
          for (let n = below(4); n >= 0; n--) attempt(() => work.mutate(memory));
          if (below(3) === 0) attempt(() => memory.$batch(() => attempt(() => work.mutate(memory))));
          if (below(4) === 0) throw new Taken();
        }),
      ),
    (memory) => {
      const wait = below(100);
      const transaction = memory.$transaction(async (draft: Any) => {
        attempt(() => work.mutate(draft));
        if (wait > 50) await new Promise<void>((resolve) => void clock.after(wait, resolve));
        attempt(() => work.mutate(draft));
        if (below(6) === 0) throw new Taken();
      });
      promises.push(transaction.catch(allow));
    },
    (memory) => {
      const path = pick(['a', ['b', 0], ['c', 'n'], ['c', 'x'], ['c', '0', 'x']]);
      promises.push(memory.$increment(path, pick([1, -2, 0.5, 3n])).catch(allow));
    },
    (memory) => {
      const updated = memory.$update(pick(names), (value: Any) => {
        if (typeof value !== 'object' || value === null || below(3) === 0) return work.value(3);
        attempt(() => work.mutateIn(value));
      });
      promises.push(updated.catch(allow));
    },
    (memory) => {
      const target = attempt(() => work.container(memory));
      if (target !== undefined) held.push(target);
    },
    () => {
      if (held.length > 0) attempt(() => work.mutateIn(pick(held)));
    },
    () => server.write(`memory:${pick(names)}`, JSON.parse(print(work.value(3)))),
    () => {
      const key = `memory:${pick(names)}`;
      if (below(4) === 0) server.delete(key);
      else if (below(2) === 0)
        server.writeText(key, pick(['nonsense', '{"value":', '{"value":[],"last_modified":-1}']));
    },
    () => {
      if (below(4) > 0) return;
      server.disconnect();
      clock.after(below(3000), () => server.reconnect());
    },
    () => clock.advance(below(300)),
    () => clock.advance(below(300)),
  ];
  for (let step = 0; step < steps; step++) await pick(acts)(pick(all).memory);

  isBusy = false;
  server.faults = () => undefined;
  server.reconnect();
  await passing(Promise.all(promises));
  // Nobody asks what the server has until everything is settled.
  await passing(Promise.all(all.map(({ memory }) => memory.$flush().catch(allow))));
  await passing(Promise.all(all.map(({ memory }) => memory.$sync())));
  await clock.advance(1);
  for (const { memory, watched } of all) {
    expect(memory.$status).toMatchObject({ state: 'connected', pending: 0, pendingBytes: 0 });
    for (const name of names) {
      const text = server.read(`memory:${name}`);
      const stored = text === undefined ? { value: undefined } : parse(text);
      if (stored === undefined) {
        expect(() => memory[name]).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }));
        continue;
      }
      const snapshot = memory.$snapshot(name);
      expect(print(snapshot)).toBe(print(all[0]?.memory.$snapshot(name)));
      expect(print(memory[name])).toBe(print(snapshot));
      expect(rounded(snapshot)).toEqual(rounded(stored.value));
      expect(memory.$lastModified(name)).toBe(all[0]?.memory.$lastModified(name));
      expect(isDeepStrictEqual(watched.state[name], snapshot)).toBe(true);
      expectProxies(memory[name]);
    }
    expect(watched.wrong).toEqual([]);
    await passing(memory.$close());
  }
});

/** Thrown by the test, to take a batch or a transaction back. */
class Taken extends Error {}

function allow(error: unknown): void {
  if (error instanceof Taken || (error instanceof SyncedMemoryError && allowed.includes(error.code))) return;
  throw error;
}

function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (error) {
    allow(error);
    return undefined;
  }
}

/** A Standard Schema that takes no long lists. */
const shortLists = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      Array.isArray(value) && value.length > 4 ? { issues: [{ message: 'too long' }] } : { value },
  },
} as const;

/** Keeps a copy of a memory by what its changes say, and notes where they say that something else was there before. */
function watch(memory: Any): { state: Any; wrong: unknown[] } {
  const state = structuredClone(memory.$snapshot());
  const wrong: unknown[] = [];
  memory.$on('change', (change: Change) => {
    const { kind, path, value, oldValue } = change;
    const above = [...path];
    const key = above.pop() as string | number;
    let at = state;
    for (const each of above) at = at[each];
    const count = kind === 'splice' ? (oldValue as unknown[]).length : 0;
    const found = kind === 'splice' ? at.slice(key, Number(key) + count) : own(at, key);
    if (!isDeepStrictEqual(found, oldValue)) wrong.push({ found, change });
    if (kind === 'splice') at.splice(key, count, ...structuredClone(value as unknown[]));
    else if (kind === 'delete') delete at[key];
    else {
      const copy = structuredClone(value);
      Object.defineProperty(at, key, { value: copy, writable: true, enumerable: true, configurable: true });
    }
  });
  return { state, wrong };
}

function own(at: object, key: string | number): unknown {
  return Object.getOwnPropertyDescriptor(at, key)?.value;
}

/** The document in a text, undefined where it has none. */
function parse(text: string): { value: unknown } | undefined {
  try {
    const document = JSON.parse(text);
    return document.last_modified >= 0 ? document : undefined;
  } catch {
    return undefined;
  }
}

/** As text, in which the order of keys shows. */
function print(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each)) ?? '';
}

/** As `JSON.parse` has it: large integers are rounded. */
function rounded(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? Number(each) : each)));
}

/** Every list and dict is one object, however it is come by. */
function expectProxies(value: Any): void {
  if (typeof value !== 'object' || value === null) return;
  expect(value).toBeInstanceOf(Array.isArray(value) ? SyncedList : SyncedDict);
  for (const key of Object.keys(value)) {
    const inner = own(value, key);
    expect(own(value, key)).toBe(inner);
    expectProxies(inner);
  }
}
