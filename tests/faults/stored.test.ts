// Bytes that other programs may have stored under a memory's keys.
import { createClient } from 'redis';
import { Memory, SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

let server: Awaited<ReturnType<typeof startRedisServer>>;
let raw: ReturnType<typeof createClient>;

beforeAll(async () => {
  server = await startRedisServer();
  raw = createClient({ url: server.url });
  await raw.connect();
});
afterAll(async () => {
  raw.destroy();
  await server.stop();
});
beforeEach(async () => {
  await raw.flushAll();
});

const envelope = (value: string) => `{"value":${value},"last_modified":1763000000000000000}`;
const deep = '['.repeat(600) + ']'.repeat(600);

const unreadable: [what: string, stored: string | Buffer, code: string, message: RegExp][] = [
  ['not JSON', 'hello', 'ERR_MALFORMED', /not JSON/],
  ['truncated JSON', '{"value":[1,2', 'ERR_MALFORMED', /ends in the middle/],
  ['an empty string', '', 'ERR_MALFORMED', /empty/],
  ['invalid UTF-8', Buffer.from(envelope('"\xe9"'), 'latin1'), 'ERR_MALFORMED', /UTF-8/],
  ['JSON without the envelope', '[1,2,3]', 'ERR_MALFORMED', /value and last_modified/],
  ['an envelope without a revision', '{"value":1}', 'ERR_MALFORMED', /value and last_modified/],
  ['a revision that is no integer', '{"value":1,"last_modified":"now"}', 'ERR_MALFORMED', /last_modified/],
  ['trailing garbage', `${envelope('1')}x`, 'ERR_MALFORMED', /not JSON/],
  ['a number of absurd length', envelope(`[${'7'.repeat(5000)}]`), 'ERR_TOO_LARGE', /5000 characters/],
  ['containers nested too deep', envelope(deep), 'ERR_TOO_DEEP', /512/],
];

describe.each(unreadable)('%s', (_, stored, code, message) => {
  test('raises an error event and a coded error on access, and stays until the user assigns', async () => {
    await raw.set('memory:bad', stored);
    await raw.set('memory:good', envelope('[1]'));
    const errors: SyncedMemoryError[] = [];
    const mem = await Memory.open({ url: server.url, onError: (error) => errors.push(error) });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code, attribute: 'bad', message: expect.stringMatching(message) });

    expect(() => mem.bad).toThrow(expect.objectContaining({ code, message: expect.stringMatching(/assign/) }));
    expect(() => mem.bad).toThrow(SyncedMemoryError);
    expect(Object.keys(mem)).toEqual(['good']);
    expect('bad' in mem).toBe(true);
    mem.good.push(2);
    await mem.$flush();
    await mem.$sync();
    expect(errors).toHaveLength(1);
    const now = await raw.withTypeMapping({ 36: Buffer }).get('memory:bad');
    expect(now).toEqual(Buffer.from(stored as string));

    mem.bad = ['mine'];
    await mem.$flush();
    expect(await raw.get('memory:bad')).toMatch(/^\{"value":\["mine"\],"last_modified":\d+\}$/);
    await mem.$close();
  });
});

test('a key of another type is unreadable and can be deleted', async () => {
  const codes: string[] = [];
  await raw.hSet('memory:hash', 'field', 'value');
  await raw.rPush('memory:list', 'item');
  const mem = await Memory.open({ url: server.url, onError: (error) => codes.push(error.code) });
  expect(codes).toEqual(['ERR_WRONG_TYPE', 'ERR_WRONG_TYPE']);
  expect(() => mem.hash).toThrow(expect.objectContaining({ code: 'ERR_WRONG_TYPE' }));
  await mem.$sync();
  expect(await raw.hGetAll('memory:hash')).toEqual({ field: 'value' });
  mem.hash = { now: 'mine' };
  delete mem.list;
  await mem.$flush();
  expect(await raw.get('memory:hash')).toContain('{"now":"mine"}');
  expect(await raw.exists('memory:list')).toBe(0);
  await mem.$close();
});

test('a document becomes unreadable and readable again', async () => {
  const mem = await Memory.open({ url: server.url, onError: () => {} });
  mem.list = [1];
  await mem.$flush();
  const { list } = mem;
  await raw.set('memory:list', 'garbage');
  await mem.$sync();
  expect(() => mem.list).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }));
  expect(() => list.push(2)).toThrow(expect.objectContaining({ code: 'ERR_DETACHED' }));
  await raw.set('memory:list', '{"value": [1, 2.0], "last_modified": 1763000000000000001}');
  await mem.$sync();
  expect(mem.list).toEqual([1, 2]);
  await mem.$close();
});

test("keys that look like JavaScript's own are data and reach no prototype", async () => {
  const text = '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}},"x":[{"__proto__":null}]}';
  await raw.set('memory:data', envelope(text));
  const mem = await Memory.open({ url: server.url });
  expect(JSON.stringify(mem.data)).toBe(text);
  expect(Object.getPrototypeOf(mem.data)).toBe(Object.prototype);
  Object.assign(Object.getOwnPropertyDescriptor(mem.data, '__proto__')?.value, { b: 2 });
  mem.data.x.push(JSON.parse('{"__proto__":3}'));
  await mem.$flush();
  expect(await raw.get('memory:data')).toContain('{"__proto__":{"a":1,"b":2}');
  expect(await raw.get('memory:data')).toContain('[{"__proto__":null},{"__proto__":3}]');
  expect(({} as Record<string, unknown>).a).toBeUndefined();
  await mem.$close();
});

test('a revision that goes backwards raises a regression event, and is followed', async () => {
  const mem = await Memory.open({ url: server.url });
  const regressions: unknown[] = [];
  mem.$on('regression', (regression) => regressions.push(regression));
  mem.list = [1];
  await mem.$flush();
  const [backup, revision] = [(await raw.get('memory:list')) as string, mem.$lastModified('list')];
  mem.list.push(2);
  await mem.$flush();
  const previous = mem.$lastModified('list');
  await raw.set('memory:list', backup);
  await mem.$sync();
  expect(regressions).toEqual([{ name: 'list', previous, revision }]);
  expect(mem.list).toEqual([1]);
  await mem.$close();
});

test('a time to live survives every mutation', async () => {
  const mem = await Memory.open({ url: server.url });
  mem.list = ['x'.repeat(500)];
  await mem.$flush();
  await raw.expire('memory:list', 1000);
  mem.list.push(1);
  await mem.$flush();
  mem.list = [];
  await mem.$flush();
  expect(await raw.ttl('memory:list')).toBeGreaterThan(900);
  await mem.$close();
});

test('side keys are outside the prefix, and all but the secret expire', async () => {
  const mem = await Memory.open({ url: server.url });
  mem.$batch(() => {
    mem.list = [1];
    mem.other = [1];
  });
  await mem.$flush();
  const keys = (await raw.keys('*')).sort();
  const dedupKey = (name: string) => expect.stringMatching(new RegExp(`^sm:\\{memory:${name}\\}:[\\w-]{22}$`));
  const [markKey, namesKey, secretKey] = ['sm:{memory:}:group', 'sm:{memory:}:names', 'sm:{memory:}:secret'];
  const sideKeys = [dedupKey('list'), dedupKey('other'), markKey, namesKey, secretKey];
  expect(keys).toEqual(['memory:list', 'memory:other', ...sideKeys]);
  for (const key of keys.slice(2).filter((key) => key !== secretKey)) expect(await raw.ttl(key)).toBeGreaterThan(3600);
  // All memories of the prefix share the secret for as long as they are used.
  expect(await raw.ttl(secretKey)).toBe(-1);
  await mem.$close();
});
