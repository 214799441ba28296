import { expect, test } from 'vitest';
import { clear } from '../src/memory/collection-functions.js';
import { MemoryBase, openMemory } from '../src/memory/memory-base.js';
import { MemoryInternals } from '../src/memory/memory-internals.js';
import { createMemoryProxy } from '../src/memory/memory-proxy.js';
import { resolveOptions } from '../src/memory/resolve-options.js';
import { FakeSession, testClock } from './support/fake-session.js';

/** A memory on a fake session, with a clock that stands still until it is advanced. */
function open(options: object = {}, isBlocking = false) {
  const session = new FakeSession();
  const clock = testClock();
  const transport = { execute: async () => [], clock };
  const resolved = resolveOptions([{ transport, ...options }], { url: () => '', prefix: () => undefined });
  const internals = new MemoryInternals(session.factory, resolved, isBlocking, {});
  session.emit(['connect'], ['ready']);
  return { session, clock, internals, mirror: internals.mirror };
}

test('mutations of one task are submitted as one batch when it has ended', async () => {
  const { session, mirror } = open();
  mirror.assign('a', 1);
  mirror.assign('b', 2);
  expect(session.take()).toEqual([]);
  await Promise.resolve();
  expect(session.take()).toEqual(['submit [["assign","a",1],["assign","b",2]]']);
});

test('a reverted batch puts attributes and keys back where they were', () => {
  const { mirror, internals } = open();
  const mem = createMemoryProxy(internals) as Record<string, Record<string, unknown>>;
  for (const name of ['a', 'b', 'c']) mem[name] = { one: 1, two: { n: 2 }, three: 3, four: 4 };
  const [before, { b }] = [JSON.stringify(mirror.attributes), mem];
  const change = (dict: Record<string, unknown>) => {
    delete dict.two;
    dict.five = 5;
    delete dict.one;
    dict.two = 'again';
    for (const key of Object.keys(dict)) delete dict[key];
    dict.four = 'new';
    clear(dict);
    dict.one = 'other';
    delete dict.one;
  };
  for (let round = 0; round < 2; round++) {
    const run = () =>
      internals.runBatch(() => {
        change(b as object as Record<string, unknown>);
        mem.b = {};
        expect(mem.b).toEqual({});
        delete mem.a;
        mem.a = {};
        throw new Error('stop');
      });
    expect(run).toThrow('stop');
    expect(JSON.stringify(mirror.attributes)).toBe(before);
    expect(mem.b).toBe(b);
    expect(JSON.stringify(mirror.snapshot('b'))).toBe(JSON.stringify(mirror.attributes.b));
  }
});

test('a request comes after the mutations made before it', () => {
  const { session, mirror, internals } = open();
  mirror.assign('a', 1);
  void internals.refresh(['a']).catch(() => {});
  expect(session.take()).toEqual(['submit [["assign","a",1]]', 'refresh a']);
});

test('reading the status changes nothing', async () => {
  const { session, mirror, internals } = open();
  mirror.assign('a', 'x'.repeat(100));
  const status = internals.status();
  expect(status).toMatchObject({ state: 'connected', pending: 1, capabilities: { topology: 'memory' } });
  expect(status.pendingBytes).toBeGreaterThan(1100);
  expect(session.take()).toEqual([]);
  await Promise.resolve();
  session.emit(['settled', 1]);
  expect(internals.status()).toMatchObject({ pending: 0, pendingBytes: 0 });
});

test('a flush resolves when every mutation made before it is settled', async () => {
  const { session, mirror, internals } = open();
  mirror.assign('a', 1);
  let isFlushed = false;
  const flushed = internals.flush().then(() => {
    isFlushed = true;
  });
  mirror.assign('a', 2);
  await Promise.resolve();
  session.emit(['ack', 'a', '1', 10, 1, 1]);
  await Promise.resolve();
  expect(isFlushed).toBe(false);
  session.emit(['settled', 1]);
  await flushed;
});

test('a flush rejects with the rejection of its own mutations only, once all are settled', async () => {
  const { session, mirror, internals } = open({ onError: () => {} });
  mirror.assign('a', 1);
  const first = internals.flush();
  mirror.assign('b', 2);
  const second = internals.flush();
  session.emit(['rejected', 'b', 'ERR_REFUSED', 'no', 2], ['settled', 1]);
  await first;
  session.emit(['settled', 2]);
  await expect(second).rejects.toMatchObject({ code: 'ERR_REFUSED', message: 'b: no', attribute: 'b' });
});

test('the time limit of a flush is measured by the clock of the transport', async () => {
  const { clock, mirror, internals } = open();
  mirror.assign('a', 1);
  let code: string | undefined;
  const flushed = internals.flush(500).catch((error) => {
    code = error.code;
  });
  await clock.advance(499);
  expect(code).toBeUndefined();
  await clock.advance(1);
  await flushed;
  expect(code).toBe('ERR_TIMEOUT');
});

test('a transaction that conflicts is repeated at once, because the core has waited', async () => {
  const { session, clock, internals } = open();
  let attempts = 0;
  const committed = internals.runTransaction((draft) => {
    attempts++;
    draft.mirror.assign('a', attempts);
  }, 5);
  session.emit(['aborted', 1, 'ERR_CONFLICT', 'changed']);
  await clock.advance(0);
  expect(attempts).toBe(2);
  session.emit(['committed', 2]);
  await committed;
});

test('a transaction that has read something older is repeated after a pause of the clock', async () => {
  const { session, clock, internals } = open();
  session.emit(['load', 'a', '1', 30, 0]);
  let attempts = 0;
  const committed = internals.runTransaction((draft) => {
    attempts++;
    draft.beforeRead('a');
    if (attempts === 1) session.emit(['load', 'a', '2', 30, 1]);
    draft.mirror.assign('b', attempts);
  }, 5);
  await clock.advance(0);
  expect(attempts).toBe(1);
  await clock.advance(2);
  expect(attempts).toBe(2);
  session.emit(['committed', 1]);
  await committed;
});

test('replicas are asked until the deadline of the clock', async () => {
  const { session, clock, internals } = open();
  const flushed = internals.flushToReplicas(2, 250);
  const rejected = expect(flushed).rejects.toMatchObject({ code: 'ERR_REPLICAS' });
  for (let request = 1; request <= 3; request++) {
    await clock.advance(0);
    expect(session.take()).toEqual(['replicate 2']);
    await clock.advance(100);
    session.emit(['replicated', request, 1]);
  }
  await rejected;
});

test('listeners are called after all events that arrived together are applied', () => {
  const { session, mirror, internals } = open();
  const seen: unknown[] = [];
  internals.listeners.on('ack', () => seen.push(mirror.get('b')));
  session.emit(['ack', 'a', '1', 10, 1, 1], ['load', 'b', '2', 10, 'loaded']);
  expect(seen).toEqual(['loaded']);
});

test('an event that cannot be applied keeps no other event from being applied', async () => {
  const errors: string[] = [];
  const { session, mirror, internals } = open({ onError: (error: Error) => errors.push(error.message) });
  mirror.assign('a', 1);
  const flushed = internals.flush();
  session.emit(
    ['load', 'x', '1', 10, [1]],
    ['patch', 'x', '2', 10, [['append', 'x', ['missing'], [2]]]],
    ['load', 'b', '2', 10, 'loaded'],
    ['settled', 1],
  );
  await flushed;
  expect(mirror.get('b')).toBe('loaded');
  expect(errors).toEqual([expect.stringContaining('x.missing: does not exist; this is a bug')]);
  expect(() => mirror.get('x')).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
  session.emit(['load', 'x', '3', 10, [3]]);
  expect(mirror.get('x')).toEqual([3]);
});

test('what takes longer than a moment to take in is left to later tasks, and what belongs together is not parted', async () => {
  let ms = 0;
  const { session, mirror } = open({
    transport: { execute: async () => [], clock: Object.assign(testClock(), { monotonic: () => ms }) },
  });
  const slices = [1, 2, 3, 4].map((value) => ['a', 'b'].map((name) => `=[["load","${name}","${value}",10,${value}]]`));
  session.drain = () => {
    ms += 5;
    return slices.shift() ?? [];
  };
  session.emit();
  expect([mirror.get('a'), mirror.get('b')]).toEqual([2, 2]);
  session.emit();
  expect(mirror.get('a')).toBe(2);
  await new Promise((resolve) => setImmediate(resolve));
  expect([mirror.get('a'), mirror.get('b'), slices.length]).toEqual([4, 4, 0]);
});

test('a schema that throws refuses a mutation, and is reported for a value of another writer', () => {
  const errors: string[] = [];
  const validate = () => {
    throw new Error('broken');
  };
  const schema = { a: { '~standard': { version: 1, vendor: 'test', validate } } };
  const { session, mirror } = open({ schema, onError: (error: Error) => errors.push(error.message) });
  expect(() => mirror.assign('a', 1)).toThrow(expect.objectContaining({ code: 'ERR_SCHEMA' }));
  expect(mirror.get('a')).toBeUndefined();
  session.emit(['load', 'a', '1', 10, 1], ['load', 'b', '1', 10, 2]);
  expect([mirror.get('a'), mirror.get('b'), errors.length]).toEqual([1, 2, 1]);
});

test('in blocking mode, listeners get changes in order although one of them mutates', () => {
  const { session, mirror, internals } = open({}, true);
  session.submit = () => session.emit(['settled', internals.connection.lastMutation]);
  const seen: unknown[] = [];
  internals.listeners.on('change', ({ name, value }) => {
    if (name === 'a' && (value as number) < 3) mirror.assign('a', (value as number) + 1);
  });
  internals.listeners.on('change', ({ value }) => seen.push(value));
  mirror.assign('a', 1);
  expect(seen).toEqual([1, 2, 3]);
});

test('a blocking flush inside a batch throws at once, and the batch goes on', () => {
  const { session, mirror, internals } = open();
  const seen: unknown[] = [];
  internals.listeners.on('change', ({ value }) => seen.push(value));
  internals.runBatch(() => {
    mirror.assign('a', 1);
    expect(() => internals.flushSync()).toThrow(expect.objectContaining({ code: 'ERR_NOT_SUPPORTED' }));
    expect(seen).toEqual([]);
  });
  session.emit(['load', 'b', '1', 10, 2]);
  expect(seen).toEqual([1, 2]);
});

test('a flush of a closed memory rejects', async () => {
  const session = new FakeSession();
  const transport = { execute: async () => [] };
  const resolved = resolveOptions([{ transport }], { url: () => '', prefix: () => undefined });
  const opened = openMemory(MemoryBase.prototype, session.factory, resolved);
  session.emit(['connect'], ['ready']);
  const memory = await opened;
  await memory.$close();
  await expect(memory.$flush()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});

test('successive insertions at the start of a list are one mutation', () => {
  const { session, mirror, internals } = open();
  session.emit(['load', 'a', '1', 10, [9]]);
  const list = mirror.get('a') as unknown[];
  list.push(10);
  list.unshift(1, 2);
  list.unshift('3');
  list.splice(0, 0, null);
  list.push(11);
  internals.connection.submit();
  expect(list).toEqual([null, '3', 1, 2, 9, 10, 11]);
  expect(session.take()).toEqual([
    'submit [["append","a",[],[10]],["splice","a",[],0,0,[null,"3",1,2]],["append","a",[],[11]]]',
  ]);
});

test('closing submits the last mutations and rejects whatever is pending', async () => {
  const { session, mirror, internals } = open();
  mirror.assign('a', 1);
  const lifetime = internals.lifetime((core) => core.ttl('a'));
  const flushed = internals.flush();
  session.take();
  mirror.assign('a', 2);
  internals.closeNow();
  expect(session.take()).toEqual(['submit [["assign","a",2]]', 'close']);
  for (const pending of [lifetime, flushed]) await expect(pending).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  expect(internals.status()).toMatchObject({ state: 'closed' });
  expect(() => mirror.assign('a', 3)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
});
