import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Backend, backends, kinds } from './backends.js';

type State = Record<string, unknown>;
type Opened = Memory<State>;

/** Until they show it. Where nobody tells of changes, they look; a server may need a while to delete what has expired. */
function shown(memories: Opened[], check: () => void): Promise<void> {
  const look = async () => {
    for (const mem of memories) if (mem.$status.capabilities?.changes === 'none') await mem.$sync();
    check();
  };
  return vi.waitFor(look, { timeout: 5_000, interval: 10 });
}

describe.each(kinds)('%s', (name) => {
  let backend: Backend;
  let mine: Opened;
  let theirs: Opened;
  beforeAll(async () => {
    backend = await backends[name]();
    mine = await Memory.open<State>(backend.url);
    theirs = await Memory.open<State>(backend.url);
  });
  afterAll(async () => {
    await mine.$close();
    await theirs.$close();
    await backend.stop();
  });

  test('expiry is set, read and removed, in order with mutations', async () => {
    mine.a = [1];
    expect(await mine.$expire('a', 100)).toBe(true);
    const left = await mine.$ttl('a');
    expect(left).toBeGreaterThan(90);
    expect(left).toBeLessThanOrEqual(100);
    await shown([theirs], () => expect(theirs.a).toEqual([1]));
    expect(await theirs.$ttl('a')).toBeGreaterThan(90);
    expect(await theirs.$persist('a')).toBe(true);
    expect(await theirs.$persist('a')).toBe(true);
    expect(await mine.$ttl('a')).toBeUndefined();
    delete mine.a;
    expect(await mine.$expire('a', 100)).toBe(false);
    expect(await mine.$persist('a')).toBe(false);
    expect(await mine.$ttl('a')).toBeUndefined();
  });

  test('every mutation keeps the expiry; a recreated attribute has none', async () => {
    mine.b = [1, 2, 3];
    await mine.$expire('b', 100);
    const list = mine.b as unknown[];
    for (const mutate of [
      () => list.push('appended'),
      () => (list[0] = 'edited in place'),
      () => list.splice(1, 2),
      () => (mine.b = 'set'),
      () => (mine.b = { longer: 'x'.repeat(10_000) }),
    ]) {
      mutate();
      await mine.$flush();
      expect(await mine.$ttl('b')).toBeGreaterThan(90);
    }
    delete mine.b;
    await mine.$flush();
    mine.b = 'anew';
    expect(await mine.$ttl('b')).toBeUndefined();
  });

  test('an expired attribute is gone everywhere and can be recreated', async () => {
    mine.c = { v: 1 };
    mine.stays = 1;
    await mine.$flush();
    await shown([theirs], () => expect(theirs.c).toEqual({ v: 1 }));
    const start = performance.now();
    await theirs.$expire('c', 0.2);
    await shown([mine, theirs], () => expect('c' in mine || 'c' in theirs).toBe(false));
    expect(performance.now() - start).toBeGreaterThan(199);
    expect(mine.stays).toBe(1);
    expect(await mine.$ttl('c')).toBeUndefined();
    const other = await Memory.open<State>(backend.url);
    expect(Object.keys(other)).not.toContain('c');
    await other.$close();
    mine.c = { v: 2 };
    await shown([theirs], () => expect(theirs.c).toEqual({ v: 2 }));
    expect(await mine.$ttl('c')).toBeUndefined();
  });

  test('the option ttl renews the expiry with every commit', async () => {
    const renewing = await Memory.open<State>({ url: backend.url, ttl: 300 });
    renewing.d = [1, 2];
    expect(await renewing.$ttl('d')).toBeGreaterThan(290);
    for (const mutate of [
      () => (renewing.d as number[]).push(3),
      () => ((renewing.d as number[])[0] = 7),
      () => (renewing.d = ['a whole new value'.repeat(100)]),
    ]) {
      await renewing.$expire('d', 10);
      mutate();
      expect(await renewing.$ttl('d')).toBeGreaterThan(290);
    }
    await shown([mine], () => expect(mine.d).toEqual(renewing.d));
    (mine.d as unknown[]).push('who has no such option keeps it');
    await mine.$flush();
    expect(await mine.$ttl('d')).toBeGreaterThan(290);
    await renewing.$close();

    const short = await Memory.open<State>({ url: backend.url, ttl: 0.3 });
    short.e = 1;
    await short.$flush();
    await shown([mine], () => expect(mine.e).toBe(1));
    await shown([mine, short], () => expect('e' in mine || 'e' in short).toBe(false));
    await short.$close();
  });

  test('invalid times and names throw', async () => {
    for (const seconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, '1' as unknown as number]) {
      await expect(mine.$expire('a', seconds)).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
      await expect(Memory.open({ url: backend.url, ttl: seconds })).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
    }
    for (const name of ['$a', '_a', 'a:b', '']) {
      await expect(mine.$expire(name, 1)).rejects.toMatchObject({ code: 'ERR_RESERVED_NAME' });
      await expect(mine.$persist(name)).rejects.toMatchObject({ code: 'ERR_RESERVED_NAME' });
      await expect(mine.$ttl(name)).rejects.toMatchObject({ code: 'ERR_RESERVED_NAME' });
    }
    const closed = await Memory.open<State>(backend.url);
    await closed.$close();
    for (const ask of [closed.$expire('a', 1), closed.$persist('a'), closed.$ttl('a')]) {
      await expect(ask).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    }
  });
});

test('a request is repeated after a lost connection', async () => {
  const backend = await backends.redis();
  const raw = await createClient({ url: backend.url }).connect();
  const mem = await Memory.open<State>(backend.url);
  mem.a = 1;
  await mem.$flush();
  await raw.sendCommand(['CLIENT', 'PAUSE', '300']);
  const asked = Promise.all([mem.$expire('a', 100), mem.$ttl('a')]);
  await raw.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
  expect(await asked).toEqual([true, expect.closeTo(100, -1)]);
  raw.destroy();
  await mem.$close();
  await backend.stop();
});
