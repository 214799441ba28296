// A user who may only publish, against memories on a real server.
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

const connect = (url: string) => createClient({ url }).connect();
type State = Record<string, unknown>;

let server: Awaited<ReturnType<typeof startRedisServer>>;
let admin: Awaited<ReturnType<typeof connect>>;
let stranger: Awaited<ReturnType<typeof connect>>;
beforeAll(async () => {
  server = await startRedisServer();
  admin = await connect(server.url);
  await admin.sendCommand([
    'ACL',
    'SETUSER',
    'stranger',
    'on',
    '>password',
    'resetchannels',
    '&*',
    '-@all',
    '+publish',
  ]);
  stranger = await connect(server.url.replace('redis://', 'redis://stranger:password@'));
});
afterAll(async () => {
  stranger.destroy();
  admin.destroy();
  await server.stop();
});

const publish = (message: string) => stranger.sendCommand(['PUBLISH', 'sm:memory:', message]);
const stored = async (name: string) => JSON.parse((await admin.get(`memory:${name}`)) ?? 'null') as { value: unknown };

/** A message in the right format, by a writer who does not know the secret. */
function forge(name: string, base: bigint, revision: bigint, length: number, mutations: unknown): string {
  const key = `memory:${name}`;
  const text = JSON.stringify(mutations);
  const delta = `stranger ${base} ${revision} ${length} ${Buffer.byteLength(text)} ${text}`;
  return `sm1 ${'0'.repeat(40)} 1 ${Buffer.byteLength(key)} ${key}${delta}`;
}

describe.each(['a message that fits', 'a message far ahead'])('%s', (kind) => {
  test('shows nothing, and the next edit is stored where it was meant', async () => {
    const mem = await Memory.open<State>({ url: server.url });
    const changes: unknown[] = [];
    mem.doc = { a: 'xx', b: 'yyyy' };
    mem.shown = [1, 2, 3];
    await mem.$flush();
    mem.$on('change', (change) => changes.push(change));
    for (let n = 0; n < 1_000; n++) {
      for (const [name, forged] of [
        ['doc', { a: 'xxxx', b: 'yy' }],
        ['shown', [9, 9, 9]],
      ] as const) {
        const base = mem.$lastModified(name) ?? 0n;
        const revision = kind === 'a message that fits' ? base + 1n : (1n << 64n) - 1n;
        const length = Buffer.byteLength(`{"value":${JSON.stringify(forged)},"last_modified":${revision}}`);
        await publish(forge(name, base, revision, length, [['assign', '', forged]]));
      }
    }
    const doc = mem.doc as { a: string; b: string };
    doc.b = 'zzzz';
    (mem.shown as number[])[1] = 7;
    await mem.$flush();
    expect(mem).toMatchObject({ doc: { a: 'xx', b: 'zzzz' }, shown: [1, 7, 3] });
    expect(await stored('doc')).toMatchObject({ value: { a: 'xx', b: 'zzzz' } });
    expect(await stored('shown')).toMatchObject({ value: [1, 7, 3] });
    expect(changes).toHaveLength(2);
    await mem.$close();
  });
});

test('a message about 200,000 attributes makes none of them', async () => {
  const mem = await Memory.open<State>({ url: server.url });
  mem.real = 1;
  await mem.$flush();
  const names = Array.from({ length: 200_000 }, (_, n) => `memory:forged-attribute-number-${n}`);
  const envelope = `${names.length} ${names.map((name) => name.length).join(' ')} ${names.join('')}`;
  const before = process.memoryUsage().rss;
  for (let n = 0; n < 3; n++) await publish(`sm1 ${'0'.repeat(40)} ${envelope}`);
  mem.real = 2;
  await mem.$sync();
  expect(Object.keys(mem).filter((name) => name.startsWith('forged'))).toEqual([]);
  // Three messages of 11 MB pass through this process.
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  await mem.$close();
});

test('a user who may not read the secret writes and follows, by reading', async () => {
  const rule = 'on >password resetchannels &sm:memory:* ~memory:* ~sm:{memory:[a-z]* ~sm:{memory:}:names +@all'.split(
    ' ',
  );
  await admin.sendCommand(['ACL', 'SETUSER', 'unsigned', ...rule]);
  const errors: unknown[] = [];
  const open = (user?: string) =>
    Memory.open<Record<string, number[]>>({
      url: user === undefined ? server.url : server.url.replace('redis://', `redis://${user}:password@`),
      onError: (error) => errors.push(error),
    });
  const [signed, unsigned] = [await open(), await open('unsigned')];
  signed.both = [1];
  await vi.waitFor(() => expect(unsigned.both).toEqual([1]));
  unsigned.both?.push(2);
  await vi.waitFor(() => expect(signed.both).toEqual([1, 2]));
  unsigned.fresh = [3];
  await vi.waitFor(() => expect(signed.fresh).toEqual([3]), 5_000);
  signed.both.push(4);
  await vi.waitFor(() => expect(unsigned.both).toEqual([1, 2, 4]));
  expect(errors).toEqual([]);
  await signed.$close();
  await unsigned.$close();
});

test('memories go on after the server has lost its data and with it the secret', async () => {
  const [a, b] = [
    await Memory.open<Record<string, number[]>>({ url: server.url }),
    await Memory.open<Record<string, number[]>>({ url: server.url }),
  ];
  a.list = [1];
  await vi.waitFor(() => expect(b.list).toEqual([1]));
  await admin.sendCommand(['FLUSHALL']);
  const c = await Memory.open<Record<string, number[]>>({ url: server.url });
  for (let n = 0; n < 3; n++) {
    for (const mem of [a, b, c]) {
      mem.list = [n];
      await mem.$flush();
      await vi.waitFor(() => expect([a.list, b.list, c.list]).toEqual([[n], [n], [n]]), 5_000);
    }
  }
  for (const mem of [a, b, c]) await mem.$close();
});
