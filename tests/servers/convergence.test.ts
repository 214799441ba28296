// Random work in several memories of one backend, two of which share a connection; on a single server also beside somebody
// who writes whole documents and cuts connections. In the end all have what is stored, and changes tell how they came to it.
// (On the in-process server, with more faults: tests/edge/convergence.test.ts.)
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSame, print, watch } from '../random/checks.js';
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
    const open = async (url: string) => watch(await Memory.open({ url, ...options }));
    const all = await Promise.all([open(backend.url), open(backend.url), open(apart(backend.url))]);
    if (!onWasm && seed % 4 === 0) all.push(watch(Memory.openSync({ url: backend.url, ...options })));
    const later = () => new Promise<void>((resolve) => void setImmediate(resolve));
    const promises: Promise<unknown>[] = [];
    const acts: ((memory: Any) => unknown)[] = [
      ...Array(11).fill((memory: Any) => work.mutate(memory)),
      (memory) => work.batch(memory),
      (memory) => promises.push(work.transaction(memory, later)),
      (memory) => promises.push(work.increment(memory)),
      (memory) => promises.push(work.lifetime(memory, 0.05)),
      (memory) => promises.push(memory.$load([work.pick(names)])),
      (memory) => promises.push(memory.$sync().catch(allow)),
      (memory) => memory.$flush().catch(allow),
      later,
      later,
      ...(seed % 2 === 0 ? interferences(work, options.prefix) : []),
    ];
    for (let step = 0; step < steps; step++) await work.pick(acts)(work.pick(all).memory);

    await Promise.all(promises);
    await Promise.all(all.map(({ memory }) => memory.$flush().catch(allow)));
    const fresh = await Memory.open({ url: backend.url, ...options, names });
    const isPermanent = async (name: string) => (await fresh.$ttl(name)) === undefined;
    const arePermanent = async () => (await Promise.all(names.map(isPermanent))).every(Boolean);
    await until('everything with a lifetime has expired', arePermanent);
    await Promise.all([...all.map(({ memory }) => memory), fresh].map((memory) => memory.$load(names)));
    await Promise.all([...all.map(({ memory }) => memory), fresh].map((memory) => memory.$sync()));
    for (const { memory } of all) expect(memory.$status).toMatchObject({ state: 'connected', pending: 0 });
    for (const name of names) expectSame(all, name, fresh.$snapshot(name));
    await Promise.all([...all.map(({ memory }) => memory.$close()), fresh.$close()]);
    await Promise.all(all.map(({ ended }) => ended));
    expect(all.flatMap(({ wrong }) => wrong)).toEqual([]);
  });
});
