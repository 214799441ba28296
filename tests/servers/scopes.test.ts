import { createClient } from 'redis';
import { Memory, PrefixedMemory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Backend, backends, kinds, onWasm } from './backends.js';

describe.each(kinds)('%s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await backends[name]();
  });
  afterAll(() => backend.stop());

  test('a scope is the PrefixedMemory of its name, and scopes nest', async () => {
    const mem = await Memory.open({ url: backend.url });
    const scope = await mem.$scope('a');
    const nested = await scope.$scope('b');
    scope.log = ['outer'];
    nested.log = ['inner'];
    await Promise.all([scope.$flush(), nested.$flush()]);

    const same = await PrefixedMemory.open('a', { url: backend.url });
    const sameNested = await PrefixedMemory.open('a:b', { url: backend.url });
    expect(same).toEqual({ log: ['outer'] });
    expect(sameNested).toEqual({ log: ['inner'] });
    same.log.push('more');
    await vi.waitFor(() => expect(scope.log).toEqual(['outer', 'more']));
    expect(nested.log).toEqual(['inner']);
    expect(Object.keys(mem)).toEqual([]);
    await Promise.all([mem, scope, nested, same, sameNested].map((memory) => memory.$close()));
  });

  test('closing ends nothing else', async () => {
    const mem = await Memory.open({ url: backend.url });
    const [first, second] = await Promise.all([mem.$scope('first'), mem.$scope('second')]);
    await first.$close();
    mem.own = 1;
    await mem.$flush();
    await mem.$close();
    second.list = [1];
    await second.$flush();
    expect(second.$status.state).toBe('connected');
    await expect(mem.$scope('late')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await second.$close();
  });

  test('defaults are the attributes that a scope loads, names where they are given', async () => {
    const mem = await Memory.open({ url: backend.url });
    const all = await mem.$scope('known');
    Object.assign(all, { turns: [1], other: 2 });
    await all.$flush();
    const byDefaults = await mem.$scope('known', { defaults: { turns: [], fresh: {} } });
    const byNames = await mem.$scope('known', { names: ['other'], defaults: { turns: [] } });
    expect(byDefaults).toEqual({ turns: [1], fresh: {} });
    expect(byNames.other).toBe(2);
    await Promise.all([mem, all, byDefaults, byNames].map((memory) => memory.$close()));
  });

  test('options that a scope cannot have are refused by name', async () => {
    const mem = await Memory.open({ url: backend.url });
    const open = (options: object) => mem.$scope('options', options);
    for (const option of ['url', 'tls', 'prefix', 'transport']) {
      const refusal = { code: 'ERR_OPTIONS', message: expect.stringContaining(`no option ${option};`) };
      await expect(open({ [option]: 'x' })).rejects.toMatchObject(refusal);
    }
    await expect(mem.$scope('')).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
    await mem.$close();
  });

  test.skipIf(onWasm)('a memory that blocks has none', async () => {
    const mem = Memory.openSync({ url: backend.url });
    const refusal = { code: 'ERR_NOT_SUPPORTED', message: expect.stringContaining('PrefixedMemory.openSync') };
    await expect(mem.$scope('x')).rejects.toMatchObject(refusal);
    await mem.$close();
  });
});

test('a scope whose names are known is opened without SCAN', async () => {
  const server = await backends.redis();
  const client = createClient({ url: server.url });
  await client.connect();
  const mem = await Memory.open({ url: server.url });
  const scans = async (): Promise<string | undefined> =>
    /cmdstat_scan:calls=(\d+)/.exec(await client.info('commandstats'))?.[1];
  const before = await scans();
  expect(before).toBeDefined();
  const byNames = await mem.$scope('x', { names: ['list'] });
  const byDefaults = await mem.$scope('y', { defaults: { list: [] } });
  await byDefaults.$flush();
  expect(await scans()).toBe(before);
  const all = await mem.$scope('y');
  expect(all).toEqual({ list: [] });
  expect(await scans()).not.toBe(before);
  await Promise.all([mem, byNames, byDefaults, all].map((memory) => memory.$close()));
  await client.close();
  await server.stop();
});

test('scopes of a store without a name are in that store', async () => {
  const mem = await Memory.open('memory:');
  const writer = await mem.$scope('s');
  const reader = await mem.$scope('s');
  await mem.$close();
  writer.list = [1];
  await vi.waitFor(() => expect(reader).toEqual({ list: [1] }));
  await Promise.all([writer.$close(), reader.$close()]);
});
