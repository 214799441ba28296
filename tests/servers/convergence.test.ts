// Random work in several memories of one backend, two of which share a connection; on a single server also beside somebody
// who writes whole documents and cuts connections. In the end all have what is stored, and changes tell how they came to it.
// (On the in-process server, with more faults: tests/edge/convergence.test.ts.)
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSame, print, watch } from '../random/checks.js';
import { NamedWaits } from '../random/named-waits.js';
import { type Any, allow, RandomWork } from '../random/work.js';
import { apart, type Backend, backends, kinds, onWasm } from './backends.js';
import { until } from './until.mjs';

const seeds = Array.from({ length: Number(process.env.SYNCED_MEMORY_SEEDS ?? 12) }, (_, n) => n);
const steps = 150;
/** On a cluster, what is in braces decides where a key is. */
const names = ['{r}a', '{r}b', '{r}c'];

describe.each(kinds)('on %s', (kind) => {
  let backend: Backend;
  let raw: ReturnType<typeof createClient> | undefined;
  beforeAll(async () => {
    backend = await backends[kind]();
    if (kind !== 'redis') return;
    raw = createClient({ url: backend.url });
    await raw.connect();
  });
  afterAll(() => {
    raw?.destroy();
    return backend.stop();
  });

  /** Faults and foreign writes during a run. */
  function interferences(work: RandomWork, prefix: string): (() => unknown)[] {
    const client = raw;
    if (client === undefined) return [];
    const key = () => prefix + work.pick(names);
    return [
      () => client.set(key(), `{"value": ${print(work.value(3))}, "last_modified": ${Date.now()}000000}`),
      () => work.below(4) === 0 && client.del(key()),
      () => work.below(4) === 0 && client.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal']),
      () => work.below(4) === 0 && client.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'pubsub']),
    ];
  }

  // The timing depends on the machine, so a seed does not repeat a run exactly.
  test.each(seeds)('run %i', async (seed) => {
    const work = new RandomWork(Math.random, names);
    const options = { prefix: `run-${seed}:`, onError: () => {}, ...[{}, { names }, { names: [] }][seed % 3] };
    const memories: Any[] = [];
    const waits = new NamedWaits(() => memories);
    const wait = <T>(what: string, memory: Any, promise: Promise<T>) =>
      waits.add(`${what} of memory ${memories.indexOf(memory)}`, promise);
    const each = (what: string, call: (memory: Any) => Promise<unknown>) =>
      Promise.all(memories.map((memory) => wait(what, memory, call(memory))));
    const open = (url: string) => waits.add('open', Memory.open({ url, ...options }));
    memories.push(...(await Promise.all([open(backend.url), open(backend.url), open(apart(backend.url))])));
    if (!onWasm && seed % 4 === 0) memories.push(Memory.openSync({ url: backend.url, ...options }));
    const all = memories.map(watch);
    const later = () => new Promise<void>((resolve) => void setImmediate(resolve));
    const promises: Promise<unknown>[] = [];
    const acts: ((memory: Any) => unknown)[] = [
      ...Array(11).fill((memory: Any) => work.mutate(memory)),
      (memory) => work.batch(memory),
      (memory) => promises.push(wait('transaction', memory, work.transaction(memory, later))),
      (memory) => promises.push(wait('increment', memory, work.increment(memory))),
      (memory) => promises.push(wait('lifetime', memory, work.lifetime(memory, 0.05))),
      (memory) => promises.push(wait('$load', memory, memory.$load([work.pick(names)]))),
      (memory) => promises.push(wait('$sync', memory, memory.$sync().catch(allow))),
      (memory) => wait('$flush', memory, memory.$flush().catch(allow)),
      later,
      later,
      ...(seed % 2 === 0 ? interferences(work, options.prefix) : []),
    ];
    for (let step = 0; step < steps; step++) await work.pick(acts)(work.pick(memories));

    await Promise.all(promises);
    await each('last $flush', (memory) => memory.$flush().catch(allow));
    const fresh: Any = await waits.add('last open', Memory.open({ url: backend.url, ...options, names }));
    memories.push(fresh);
    const isPermanent = async (name: string) => (await wait('$ttl', fresh, fresh.$ttl(name))) === undefined;
    const arePermanent = async () => (await Promise.all(names.map(isPermanent))).every(Boolean);
    await until('everything with a lifetime has expired', arePermanent);
    await each('last $load', (memory) => memory.$load(names));
    await each('last $sync', (memory) => memory.$sync());
    for (const { memory } of all) expect(memory.$status).toMatchObject({ state: 'connected', pending: 0 });
    for (const name of names) expectSame(all, name, fresh.$snapshot(name));
    await each('$close', (memory) => memory.$close());
    await waits.add('end of the changes', Promise.all(all.map(({ ended }) => ended)));
    expect(all.flatMap(({ wrong }) => wrong)).toEqual([]);
  });
});
