import { createClient } from 'redis';
import { Memory, PrefixedMemory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { apart, type Backend, backends, kinds, onWasm } from './backends.js';

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

  test('closing a scope ends no other memory', async () => {
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

  test('a scope loads the attributes of defaults, or of names if given', async () => {
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
      const refusal = {
        code: 'ERR_OPTIONS',
        message: expect.stringContaining(`no option "${option}"; those of a scope are`),
      };
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
  // A memory of all names lists them again from time to time.
  const mem = await Memory.open({ url: server.url, names: [] });
  const scans = async (): Promise<string | undefined> =>
    /cmdstat_scan:calls=(\d+)/.exec(await client.info('commandstats'))?.[1];
  const byNames = await mem.$scope('x', { names: ['list'] });
  const byDefaults = await mem.$scope('y', { defaults: { list: [] } });
  await byDefaults.$flush();
  expect(await scans()).toBeUndefined();
  const all = await mem.$scope('y');
  expect(all).toEqual({ list: [] });
  expect(await scans()).toBeDefined();
  await Promise.all([mem, byNames, byDefaults, all].map((memory) => memory.$close()));
  await client.close();
  await server.stop();
});

test('scopes of an unnamed in-process memory are in that memory', async () => {
  const mem = await Memory.open('memory:');
  const writer = await mem.$scope('s');
  const reader = await mem.$scope('s');
  await mem.$close();
  writer.list = [1];
  await vi.waitFor(() => expect(reader).toEqual({ list: [1] }));
  await Promise.all([writer.$close(), reader.$close()]);
});

describe.skipIf(onWasm)('one connection', () => {
  type Log = { list: number[] };
  const names = ['list'] as const;
  let server: Backend;
  let client: ReturnType<typeof createClient>;
  beforeAll(async () => {
    server = await backends.redis();
    client = createClient({ url: server.url });
    await client.connect();
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });
  const lines = async (): Promise<string[]> => {
    const [list, own] = [await client.sendCommand(['CLIENT', 'LIST']), await client.clientId()];
    return String(list)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(`id=${own} `));
  };
  const calls = async (command: string): Promise<number> =>
    Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await client.info('commandstats'))?.[1] ?? 0);

  test('for ten thousand scopes, which receive changes also after a reconnect', {
    timeout: 60_000,
  }, async () => {
    const count = 10_000;
    // On a busy machine, the last scope is loaded after more than ten seconds.
    const mem = await Memory.open({ url: server.url, names: [], openTimeout: 50_000 });
    const scopes = await Promise.all(Array.from({ length: count }, (_, n) => mem.$scope<Log>(`s${n}`, { names })));
    for (const scope of scopes) scope.list = [1];
    await Promise.all(scopes.map((scope) => scope.$flush()));
    // One carries commands, the other listens.
    expect(await lines()).toHaveLength(2);

    const elsewhere = await PrefixedMemory.open<Log>('s77', { url: apart(server.url), names });
    const beside = await PrefixedMemory.open<Log>('s78', { url: server.url, names });
    expect(await lines()).toHaveLength(4);
    elsewhere.list.push(2);
    beside.list.push(3);
    await client.set('memory:s79:list', '{"value":[4],"last_modified":5}');
    await vi.waitFor(() => expect(scopes[77]?.list).toEqual([1, 2]));
    await vi.waitFor(() => expect(scopes[78]?.list).toEqual([1, 3]));
    await vi.waitFor(() => expect(scopes[79]?.list).toEqual([4]));

    const lost = scopes.map((scope) => new Promise((resolve) => scope.$on('disconnect', resolve)));
    const back = scopes.map((scope) => new Promise((resolve) => scope.$on('connect', resolve)));
    // The write is not announced.
    await client
      .multi()
      .addCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
      .set('memory:s5:list', '{"value":[6],"last_modified":7}')
      .exec();
    await Promise.all(lost);
    for (const scope of scopes.slice(100, 200)) scope.list.push(8);
    await Promise.all(back);
    expect(scopes[5]?.list).toEqual([6]);
    await Promise.all(scopes.map((scope) => scope.$flush()));
    expect(JSON.parse((await client.get('memory:s150:list')) ?? '').value).toEqual([1, 8]);
    await vi.waitFor(() => expect(beside.$status.state).toBe('connected'));
    beside.list.push(9);
    await vi.waitFor(() => expect(scopes[78]?.list).toEqual([1, 3, 9]));

    await Promise.all([mem, elsewhere, beside, ...scopes].map((memory) => memory.$close()));
    await vi.waitFor(async () => expect(await lines()).toEqual([]));
  });

  test('and no search to open a scope whose names are known', async () => {
    const mem = await Memory.open({ url: server.url, names: [] });
    const commands = ['get', 'evalsha', 'eval', 'getrange', 'scan', 'client|tracking', 'hello'];
    const counts = () => Promise.all(commands.map((command) => calls(command.replace('|', '\\|'))));
    await client.set('memory:known:list', '{"value":[1],"last_modified":2}');
    const before = await counts();
    const scope = await mem.$scope<Log>('known', { names });
    expect(scope.list).toEqual([1]);
    // It reads the attribute and the secret of delta messages.
    const read = before.map((count, at) => count + Number(['get', 'getrange'].includes(commands[at] ?? '')));
    expect(await counts()).toEqual(read);
    await Promise.all([mem.$close(), scope.$close()]);
  });

  test('not for other certificates, another prefix or another URL', async () => {
    const all = await Promise.all([
      Memory.open({ url: server.url }),
      Memory.open({ url: server.url }),
      Memory.open({ url: server.url, prefix: 'other:' }),
      Memory.open(apart(server.url)),
    ]);
    expect(await lines()).toHaveLength(6);
    await Promise.all(all.map((memory) => memory.$close()));
  });
});
