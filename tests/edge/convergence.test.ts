// Random work in several memories of one faulty server, through the proxies, batches, transactions and increments, beside
// somebody who writes whole documents, and nonsense: in the end all have what the server has, and changes tell how they
// came to it. SYNCED_MEMORY_SEEDS says how many seeds, SYNCED_MEMORY_FROM from which on.
import type { Change } from 'synced-memory/edge';
import { type Fault, Memory, TestServer } from 'synced-memory/testing';
import { expect, test } from 'vitest';
import { expectSame, print, type Watched, watch } from '../random/checks.js';
import { type Any, allow, RandomWork } from '../random/work.js';
import { hasty, randomFrom } from './support.js';

const first = Number(process.env.SYNCED_MEMORY_FROM ?? 1);
const seeds = Array.from({ length: Number(process.env.SYNCED_MEMORY_SEEDS ?? 60) }, (_, n) => first + n);
const steps = 120;
const names = ['a', 'b', 'c'];
/** Virtual milliseconds after which nothing can still be on its way. */
const AN_HOUR = 3_600_000;

const faults: Fault[] = ['reject', 'lose', 'hang', 'drop', 'garble', { delay: 40 }, { delay: 400 }];

test.each(seeds)('seed %i', async (seed) => {
  const random = randomFrom(seed);
  const work = new RandomWork(random, names);
  const { below, pick } = { below: work.below.bind(work), pick: work.pick.bind(work) as RandomWork['pick'] };
  const clock = hasty(seed);
  const server = new TestServer(clock);
  const rate = pick([0, 0, 0.1, 0.3]);
  server.faults = () => (random() < rate ? pick(faults) : undefined);
  /** Advances the virtual clock until the promise settles, and returns its value. */
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
    ...pick([{}, { names }, { names: [] }]),
    maxDocumentBytes: pick([900, 1_000_000]),
    ...(isStrict && { schema: { b: shortLists } }),
    ...(below(4) === 0 && { defaults: { c: work.value() ?? 0 } }),
    ...(below(6) === 0 && { ttl: pick([1, 3600]) }),
    openTimeout: Number.POSITIVE_INFINITY,
    onError: () => {},
  };
  const watching = (memory: Any): Watched => {
    const watched = watch(memory);
    let answers = 20;
    if (isTalkative) {
      memory.$on('change', ({ origin }: Change) => {
        if (origin === 'remote' && isBusy && answers-- > 0 && below(3) === 0) work.mutate(memory);
      });
    }
    return watched;
  };
  const open = () => passing(Memory.open({ transport: server.transport(), ...options }));
  const [one, two, three] = [await open(), await open(), await open()];
  const same = new Map([['memory:', [one, two, three].map(watching)]]);
  if (below(3) === 0) {
    const scoped = { ...options, names: pick([names, []]) };
    const scopes = [await passing(one.$scope('s', scoped)), await passing(two.$scope('s', scoped))];
    same.set('memory:s:', scopes.map(watching));
  }
  const all = [...same.values()].flat();
  const key = () => pick([...same.keys()]) + pick(names);
  const promises: Promise<unknown>[] = [];
  const held: Any[] = [];
  const acts: ((memory: Any) => unknown)[] = [
    ...Array(11).fill((memory: Any) => work.mutate(memory)),
    (memory) => work.batch(memory),
    (memory) => {
      const wait = () => new Promise<void>((resolve) => void clock.after(50 + below(50), resolve));
      promises.push(work.transaction(memory, wait));
    },
    (memory) => promises.push(work.increment(memory)),
    (memory) => below(3) === 0 && promises.push(work.lifetime(memory, 5)),
    (memory) => promises.push(memory.$load([pick(names)])),
    (memory) => promises.push(memory.$sync().catch(allow)),
    (memory) => {
      const target = work.attempt(() => work.container(memory));
      if (target !== undefined) held.push(target);
    },
    () => {
      if (held.length > 0) work.mutateIn(pick(held));
    },
    () => server.write(key(), JSON.parse(print(work.value(3)))),
    () => {
      if (below(4) === 0) server.delete(key());
      else if (below(2) === 0)
        server.writeText(key(), pick(['invalid arguments', '{"value":', '{"value":[],"last_modified":-1}']));
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
  // No memory refreshes until everything is settled.
  await passing(Promise.all(all.map(({ memory }) => memory.$flush().catch(allow))));
  // Everything with a lifetime has expired.
  await clock.advance(6_000);
  await passing(Promise.all(all.map(({ memory }) => memory.$load(names))));
  await passing(Promise.all(all.map(({ memory }) => memory.$sync())));
  await clock.advance(1);
  for (const { memory } of all) {
    expect(memory.$status).toMatchObject({ state: 'connected', pending: 0, pendingBytes: 0 });
  }
  for (const [prefix, memories] of same) {
    for (const name of names) {
      const text = server.read(prefix + name);
      const stored = text === undefined ? { value: undefined } : parse(text);
      if (stored !== undefined) expectSame(memories, name, stored.value);
      else {
        const unreadable = expect.objectContaining({ code: 'ERR_MALFORMED' });
        for (const { memory } of memories) expect(() => memory[name]).toThrow(unreadable);
      }
    }
  }
  for (const { memory, ended, wrong } of all) {
    await passing(memory.$close());
    await ended;
    expect(wrong).toEqual([]);
  }
});

/** A Standard Schema that rejects long lists. */
const shortLists = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      Array.isArray(value) && value.length > 4 ? { issues: [{ message: 'too long' }] } : { value },
  },
} as const;

/** The document in a stored text; undefined if it is not a document. */
function parse(text: string): { value: unknown } | undefined {
  try {
    const document = JSON.parse(text);
    return document.last_modified >= 0 ? document : undefined;
  } catch {
    return undefined;
  }
}
