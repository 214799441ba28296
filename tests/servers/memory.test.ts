// The promises of a memory, on every backend.
import { execFileSync } from 'node:child_process';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type AnyState, Memory, PrefixedMemory, SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apart, type Backend, backends, kinds, onWasm } from './backends.js';

/** The error that a call throws. */
function thrown(call: () => unknown): SyncedMemoryError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(SyncedMemoryError);
    return error as SyncedMemoryError;
  }
  throw new Error('it did not throw');
}

/** The own property of an object, also for `__proto__`. */
function own(object: object, key: string): AnyState {
  return Object.getOwnPropertyDescriptor(object, key)?.value;
}

describe.each(kinds)('on %s', (kind) => {
  let backend: Backend;
  let memory: Memory;

  beforeAll(async () => {
    backend = await backends[kind]();
  });
  afterAll(() => backend.stop());
  beforeEach(async () => {
    memory = await Memory.open({ url: backend.url });
    for (const name of Object.keys(memory)) delete memory[name];
    await memory.$flush();
    return () => memory.$close();
  });

  /** Opens the memory as another process would. */
  async function seen(): Promise<AnyState> {
    const other = await Memory.open({ url: backend.url });
    const state = { ...other };
    await other.$close();
    return JSON.parse(JSON.stringify(state));
  }

  test('mutations show at once and are stored after $flush', async () => {
    memory.tasks = ['draft'];
    const { tasks } = memory;
    tasks.push('review');
    expect(memory.tasks).toEqual(['draft', 'review']);
    expect(memory.tasks).toBe(tasks);
    expect(memory.$status).toMatchObject({
      state: 'connected',
      backend: kind === 'cluster' || kind === 'sentinel' ? 'redis' : kind,
      pending: 2,
    });
    expect(memory.$lastModified('tasks')).toBeUndefined();
    await memory.$flush();
    expect(memory.$status.pending).toBe(0);
    const revision = memory.$lastModified('tasks');
    tasks.push('done');
    await memory.$flush();
    expect(memory.$lastModified('tasks')).toBeGreaterThan(revision as bigint);
    expect(await seen()).toEqual({ tasks: ['draft', 'review', 'done'] });
  });

  test('attributes are own properties', async () => {
    Object.assign(memory, { a: 1, b: null, c: [true] });
    Object.defineProperty(memory, 'd', { value: {}, writable: true, enumerable: true, configurable: true });
    expect(Object.keys(memory)).toEqual(['a', 'b', 'c', 'd']);
    expect('a' in memory && !('z' in memory) && '$flush' in memory).toBe(true);
    expect(Object.getOwnPropertyDescriptor(memory, 'c')?.value).toBe(memory.c);
    expect({ ...memory }).toEqual({ a: 1, b: null, c: [true], d: {} });
    expect(JSON.stringify(memory)).toBe('{"a":1,"b":null,"c":[true],"d":{}}');
    expect(inspect(memory)).toBe('Memory { a: 1, b: null, c: [ true ], d: {} }');
    expect(memory).toBeInstanceOf(Memory);
    expect(memory.zebra).toBeUndefined();
    delete memory.a;
    memory.b = undefined;
    await memory.$flush();
    expect(await seen()).toEqual({ c: [true], d: {} });
    expect(memory.$lastModified('a')).toBeUndefined();
  });

  test('reserved names are refused with a remedy', () => {
    for (const name of ['', '$x', '_x', 'a:b', '\ud800']) {
      expect(thrown(() => Object.assign(memory, { [name]: 1 })).code).toBe('ERR_RESERVED_NAME');
    }
    expect(thrown(() => Object.assign(memory, { [Symbol('s')]: 1 })).code).toBe('ERR_RESERVED_NAME');
    expect(thrown(() => Object.freeze(memory)).code).toBe('ERR_NOT_SUPPORTED');
    expect(thrown(() => Object.setPrototypeOf(memory, null)).code).toBe('ERR_NOT_SUPPORTED');
    expect(thrown(() => Object.defineProperty(memory, 'x', { get: () => 1 })).code).toBe('ERR_NOT_SUPPORTED');
    expect(Object.keys(memory)).toEqual([]);
  });

  test('names with a meaning in JavaScript are data', async () => {
    memory.data = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    // biome-ignore lint/suspicious/noThenProperty: an attribute may be called so.
    Object.assign(memory, { constructor: [1], toString: 'text', then: false });
    await memory.$flush();
    const other = await Memory.open({ url: backend.url });
    expect(JSON.stringify(other.data)).toBe(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    );
    own(other.data, '__proto__').polluted = 1;
    other.data.constructor.more = 2;
    await other.$flush();
    await memory.$sync();
    expect(JSON.stringify(memory.data)).toContain('"__proto__":{"polluted":1}');
    expect([memory.constructor, memory.toString, memory.then]).toEqual([[1], 'text', false]);
    expect(({} as AnyState).polluted).toBeUndefined();
    await other.$close();
  });

  test('held references stay live when other memories write', async () => {
    memory.data = { list: [{ n: 1 }, { n: 2 }], dict: { a: 1 } };
    await memory.$flush();
    const { list, dict } = memory.data;
    const second = list[1];
    const other = await Memory.open({ url: backend.url });
    other.data.list[1].n = 20;
    other.data.list.push({ n: 3 });
    other.data.dict.b = 2;
    delete other.data.dict.a;
    await other.$flush();
    await memory.$sync();
    expect(memory.data.list).toBe(list);
    expect(list).toEqual([{ n: 1 }, { n: 20 }, { n: 3 }]);
    expect(list[1]).toBe(second);
    expect(dict).toEqual({ b: 2 });
    second.n = 21;
    await memory.$flush();
    await other.$sync();
    expect(other.data.list[1]).toEqual({ n: 21 });
    await other.$close();
  });

  test('concurrent appends are all kept', async () => {
    memory.log = [];
    await memory.$flush();
    const urls = [backend.url, apart(backend.url), apart(backend.url)];
    const others = await Promise.all(urls.map((url) => Memory.open({ url })));
    const all = [memory, ...others];
    for (let round = 0; round < 50; round++) {
      for (const [writer, one] of all.entries()) one.log.push(`${writer}:${round}`);
      if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all.map((one) => one.$flush()));
    await Promise.all(all.map((one) => one.$sync()));
    for (const one of all) expect(one.log).toEqual(memory.log);
    expect(new Set(memory.log).size).toBe(200);
    expect(memory.log).toHaveLength(200);
    for (const writer of [0, 1, 2, 3]) {
      const own = memory.log.filter((item: string) => item.startsWith(`${writer}:`));
      expect(own).toEqual(Array.from({ length: 50 }, (_, round) => `${writer}:${round}`));
    }
    await Promise.all(others.map((one) => one.$close()));
  });

  test('new and deleted attributes arrive with $sync, named ones with $load', async () => {
    const named = await Memory.open({ url: backend.url, names: ['a'] });
    memory.a = 1;
    memory.b = 2;
    await memory.$flush();
    await named.$sync();
    expect({ ...named }).toEqual({ a: 1 });
    await named.$load(['b']);
    expect({ ...named }).toEqual({ a: 1, b: 2 });
    delete memory.a;
    await memory.$flush();
    await named.$sync();
    expect({ ...named }).toEqual({ b: 2 });
    await expect(named.$load(['$x'])).rejects.toMatchObject({ code: 'ERR_RESERVED_NAME' });
    await named.$close();
  });

  test('defaults are created if absent, by the first process', async () => {
    const defaults = { log: [] as string[], config: { theme: 'dark' } };
    memory.config = { theme: 'light' };
    await memory.$flush();
    const all = await Promise.all(['a', 'b', 'c'].map(() => Memory.open({ url: backend.url, defaults })));
    for (const [id, one] of all.entries()) {
      expect(one.config).toEqual({ theme: 'light' });
      one.log.push(`first of ${id}`);
    }
    await Promise.all(all.map((one) => one.$flush()));
    await memory.$sync();
    expect([...memory.log].sort()).toEqual(['first of 0', 'first of 1', 'first of 2']);
    await Promise.all(all.map((one) => one.$close()));
    const bad = Memory.open({ url: backend.url, defaults: { $x: 1 } as object });
    await expect(bad).rejects.toMatchObject({ code: 'ERR_RESERVED_NAME' });
  });

  test('scopes are separate', async () => {
    const scoped = await PrefixedMemory.open('s1', { url: backend.url });
    const sibling = await PrefixedMemory.open('s2', { url: backend.url });
    scoped.items = ['one'];
    sibling.items = ['two'];
    memory.items = ['top'];
    await Promise.all([scoped.$flush(), sibling.$flush(), memory.$flush()]);
    expect(await seen()).toEqual({ items: ['top'] });
    await scoped.$sync();
    expect({ ...scoped }).toEqual({ items: ['one'] });
    expect(scoped).toBeInstanceOf(PrefixedMemory);
    await Promise.all([scoped.$close(), sibling.$close()]);
    await expect(PrefixedMemory.open('', { url: backend.url })).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  });

  test('numbers keep their text', async () => {
    memory.numbers = [9007199254740993n, 2 ** 60, 1e300, -0, 5n, 0.1];
    memory.tagged = ['\u0000n5', '\u0000s', { '\u0000n1': '\u0000' }];
    await memory.$flush();
    const other = await Memory.open({ url: backend.url });
    expect([...other.numbers]).toEqual([9007199254740993n, 2 ** 60, 1e300, 0, 5, 0.1]);
    expect(other.tagged).toEqual(memory.tagged);
    other.numbers.push(-12345678901234567890n);
    await other.$flush();
    await memory.$sync();
    expect(memory.numbers.at(-1)).toBe(-12345678901234567890n);
    await other.$close();
  });

  test('a document over the limit throws at its line and changes nothing', async () => {
    const small = await Memory.open({ url: backend.url, maxDocumentBytes: 1000 });
    small.text = ['x'.repeat(500)];
    expect(thrown(() => small.text.push('y'.repeat(500)))).toMatchObject({ code: 'ERR_TOO_LARGE', attribute: 'text' });
    expect(thrown(() => Object.assign(small, { other: 'z'.repeat(1000) })).code).toBe('ERR_TOO_LARGE');
    expect(small.text).toHaveLength(1);
    expect('other' in small).toBe(false);
    // Removed elements make room, so this repeats far more often than the bound alone would allow.
    for (let n = 0; n < 200; n++) small.text[0] = `${n}`.repeat(100);
    small.text = ['é'.repeat(400)];
    await small.$flush();
    expect(await seen()).toEqual({ text: ['é'.repeat(400)] });
    await small.$close();
  });

  test('a value of 20 MB', async () => {
    memory.big = ['x'.repeat(20_000_000)];
    memory.big.push('end');
    await memory.$flush();
    const other = await Memory.open({ url: backend.url });
    expect(other.big[0]).toHaveLength(20_000_000);
    expect(other.big[1]).toBe('end');
    delete other.big;
    await other.$close();
  });

  test('after $close everything throws ERR_CLOSED', async () => {
    const closed = await Memory.open({ url: backend.url });
    closed.list = [1];
    const { list } = closed;
    await closed.$close();
    await closed.$close();
    expect(await seen()).toEqual({ list: [1] });
    expect(closed.$status.state).toBe('closed');
    expect(thrown(() => list.push(2)).code).toBe('ERR_CLOSED');
    expect(thrown(() => Object.assign(closed, { x: 1 })).code).toBe('ERR_CLOSED');
    for (const call of [() => closed.$flush(), () => closed.$sync(), () => closed.$load(['x'])]) {
      await expect((async () => call())()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    }
    expect(list).toEqual([1]);
  });

  test('await using closes', async () => {
    let inner: Memory;
    {
      await using scoped = await Memory.open({ url: backend.url });
      scoped.x = 1;
      inner = scoped;
    }
    expect(inner.$status.state).toBe('closed');
    expect(await seen()).toEqual({ x: 1 });
  });

  test.skipIf(onWasm)('$flushSync acknowledges without the event loop', async () => {
    memory.x = [1];
    memory.x.push(2);
    memory.$flushSync();
    expect(memory.$status.pending).toBe(0);
  });

  test('listeners receive connect and ack until removed, and a throwing one does no harm', async () => {
    const acks: string[] = [];
    const off = memory.$on('ack', () => {
      throw new Error('a listener of the test');
    });
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    memory.$on('ack', (ack) => {
      const { name, revision } = ack;
      expect(revision).toBe(memory.$lastModified(name));
      expect(JSON.parse(JSON.stringify(ack))).toEqual({ name, revision: String(revision) });
      acks.push(name);
      // A listener that mutates must find the mirror in the state of the core.
      if (name === 'x') memory.y = 1;
    });
    memory.x = 1;
    await memory.$flush();
    await memory.$flush();
    expect((await warned).message).toMatch(/^a listener of "ack" threw: Error: a listener of the test\n/);
    off();
    memory.z = 1;
    await memory.$flush();
    expect(acks).toEqual(['x', 'y', 'z']);
  });

  test('in worker threads', async () => {
    if (kind === 'memory') return; // threads share the process, and so the store; the others say more
    memory.log = [];
    await memory.$flush();
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      import('synced-memory').then(async ({ Memory }) => {
        const mem = await Memory.open(workerData.url);
        for (let n = 0; n < 100; n++) mem.log.push(workerData.id + ':' + n);
        await mem.$flush();
        parentPort.postMessage('done');
        if (workerData.id === 1) await mem.$close(); // the other one just ends
      });`;
    await Promise.all(
      [1, 2].map(
        (id) =>
          new Promise<void>((resolve, reject) => {
            const worker = new Worker(code, { eval: true, workerData: { url: backend.url, id } });
            worker.once('error', reject);
            worker.once('exit', (exit) => (exit === 0 ? resolve() : reject(new Error(`exit code ${exit}`))));
          }),
      ),
    );
    await memory.$sync();
    expect(memory.log).toHaveLength(200);
  });
});

test.skipIf(onWasm)('an open file tells of what another process did, without being asked', async () => {
  const backend = await backends.file();
  const [one, other] = await Promise.all([Memory.open(backend.url), Memory.open(apart(backend.url))]);
  one.list = [1];
  await one.$flush();
  const started = performance.now();
  while (other.list === undefined) await new Promise((resolve) => setImmediate(resolve));
  // The bound is generous, because the machine may be busy; the benchmark measures the time.
  expect(performance.now() - started).toBeLessThan(1000);
  expect(other.list).toEqual([1]);
  await Promise.all([one.$close(), other.$close()]);
  await backend.stop();
});

test.skipIf(onWasm)(
  'a second copy of the module in the same thread, as bundlers make them, takes nothing from the first',
  () => {
    const script = `
    import { Memory } from 'synced-memory';
    const mem = await Memory.open('memory:');
    const { engine } = await import(new URL('../engine/addon/addon-engine.js?again', import.meta.resolve('synced-memory')));
    const sessions = await engine.prepare({ url: 'memory:' });
    const options = { base: 'memory:', prefix: 'memory:', maxDocumentBytes: 1000 };
    // Nothing else keeps the process alive here.
    const timer = setInterval(() => {}, 1000);
    const woken = await new Promise((resolve) => {
      const session = sessions.open(options, () => resolve(session));
    });
    clearInterval(timer);
    woken.close();
    mem.list = [1];
    await mem.$flush();
    console.log(mem.list);
    await mem.$close();`;
    const folder = new URL('..', import.meta.url);
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(printed).toBe('[ 1 ]\n');
  },
);
