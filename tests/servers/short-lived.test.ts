// The side keys that memories leave on a server when they come and go. The figures of ten thousand of each kind are printed by
// SYNCED_MEMORY_SHORT_LIVED=10000 npx vitest run --root tests servers/short-lived
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { Memory as EdgeMemory, type Transport } from 'synced-memory/edge';
import { nodeRedis } from 'synced-memory/transports/node-redis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

type State = Record<string, number>;

const count = Number(process.env.SYNCED_MEMORY_SHORT_LIVED ?? 60);
/** Number of memories that are open at one time. */
const BESIDE = 20;
const timeout = 60_000 + count * 20;
/** Milliseconds after which a memory that is closed waits no longer for the answer to its release. */
const RELEASE_WAIT = 1000;

const connect = (url: string) => createClient({ url }).connect();

let server: Awaited<ReturnType<typeof startRedisServer>>;
let client: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  server = await startRedisServer();
  client = await connect(server.url);
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});
beforeEach(() => client.flushAll());

/**
 * Opens, changes and closes memories, some at a time. Returns the number of those that may not have been released: where the
 * machine stalls, a memory is closed before its server has answered.
 */
async function comeAndGo(open: (n: number) => Promise<Memory<State> & State>): Promise<number> {
  let unreleased = 0;
  const one = async (n: number) => {
    const mem = await open(n);
    mem.x = n;
    await mem.$flush();
    const began = performance.now();
    await mem.$close();
    if (performance.now() - began >= RELEASE_WAIT) unreleased++;
  };
  for (let n = 0; n < count; n += BESIDE) {
    await Promise.all(Array.from({ length: Math.min(BESIDE, count - n) }, (_, beside) => one(n + beside)));
  }
  return unreleased;
}

/** Checks that no other dedup keys are left than those of so many memories, and returns the names of the other keys. */
function expectReleased(left: SideKey[], unreleased: number): string[] {
  expect(left.filter(isDedupKey).length).toBeLessThanOrEqual(unreleased);
  return names(left.filter((key) => !isDedupKey(key)));
}

interface SideKey {
  name: string;
  /** Of the name and the value. */
  bytes: number;
  /** As the server counts it, with its own overhead. */
  memory: number;
  /** Seconds that are left; Infinity for a key that does not expire. */
  seconds: number;
}

async function sideKeys(): Promise<SideKey[]> {
  const names = (await client.keys('sm:*')) as string[];
  const found: SideKey[] = [];
  // The client gives up commands that wait for seconds in its queue.
  for (let n = 0; n < names.length; n += 500) {
    found.push(...(await Promise.all(names.slice(n, n + 500).map(readSideKey))));
  }
  return found;
}

async function readSideKey(name: string): Promise<SideKey> {
  const [length, memory, ms] = await Promise.all([client.strLen(name), client.memoryUsage(name), client.pTTL(name)]);
  const seconds = ms === -1 ? Number.POSITIVE_INFINITY : ms / 1000;
  return { name, bytes: name.length + Number(length), memory: Number(memory), seconds };
}

/** The keys that are left so many seconds from now; prints their number and size. */
function leftAfter(seconds: number, keys: SideKey[], kind: string): SideKey[] {
  const left = keys.filter((key) => key.seconds > seconds);
  const memory = left.reduce((sum, key) => sum + key.memory, 0) / count;
  if (count >= 1000)
    console.log(`${kind}, after ${seconds} s: ${left.length} keys, ${memory.toFixed(1)} bytes a memory`);
  return left;
}

const isDedupKey = ({ name }: SideKey) => /:[\w-]{22}$/.test(name);
/** The secret of the prefix and its log of names, whatever the number of memories. */
const ofPrefix = ['sm:{memory:}:names', 'sm:{memory:}:secret'];
const names = (keys: SideKey[]) => keys.map(({ name }) => name).sort();

test('a process leaves one key of forty bytes for two minutes', { timeout }, async () => {
  const unreleased = await comeAndGo(() => Memory.open<State>({ url: server.url, names: ['x'] }));
  const keys = await sideKeys();
  const dedupKeys = leftAfter(0, keys, 'process').filter(isDedupKey);
  expect(dedupKeys.length).toBeGreaterThan(0);
  for (const { bytes } of dedupKeys) expect(bytes).toBeLessThanOrEqual(40);
  expect(expectReleased(leftAfter(120, keys, 'process'), unreleased)).toEqual(ofPrefix);
});

test('a process over a transport does the same', { timeout }, async () => {
  const transport = () => nodeRedis({ sendCommand: (args, options) => client.sendCommand(args as string[], options) });
  const unreleased = await comeAndGo(() => EdgeMemory.open<State>({ transport: transport(), names: ['x'] }));
  const keys = await sideKeys();
  expect(leftAfter(0, keys, 'process over a transport').filter(isDedupKey).length).toBeGreaterThan(0);
  expect(expectReleased(leftAfter(120, keys, 'process over a transport'), unreleased)).toEqual(ofPrefix);
});

test('a request leaves one key for a quarter of an hour, and makes no request at its end', { timeout }, async () => {
  let requests = 0;
  const request = (): Transport => {
    const transport = nodeRedis({ sendCommand: (args, options) => client.sendCommand(args as string[], options) });
    const execute: Transport['execute'] = (...args) => {
      requests++;
      return transport.execute(...args);
    };
    return { execute, lifetime: 'request' };
  };
  await comeAndGo(() => EdgeMemory.open<State>({ transport: request(), names: ['x'] }));
  // To open, and to commit; the first commit sends the text of the script, and a commit that lost a race is sent again.
  expect(requests).toBeGreaterThanOrEqual(2 * count);
  const keys = await sideKeys();
  expect(leftAfter(0, keys, 'request').filter(isDedupKey)).toHaveLength(count);
  leftAfter(120, keys, 'request');
  expect(names(leftAfter(15 * 60, keys, 'request'))).toEqual(ofPrefix);
});

test('a scope leaves one key for two minutes, and the log of its names for a day', { timeout }, async () => {
  const mem = await Memory.open<State>({ url: server.url, names: [] });
  const unreleased = await comeAndGo((n) => mem.$scope<State>(`s${n}`, { names: ['x'] }));
  await mem.$close();
  const keys = await sideKeys();
  expect(leftAfter(0, keys, 'scope').filter(isDedupKey)).toHaveLength(count);
  const logs = Array.from({ length: count }, (_, n) => `sm:{memory:s${n}:}:names`);
  const later = expectReleased(leftAfter(120, keys, 'scope'), unreleased);
  expect(later).toEqual([...logs, 'sm:{memory:}:secret'].sort());
  expect(names(leftAfter(24 * 60 * 60, keys, 'scope'))).toEqual(['sm:{memory:}:secret']);
});

test('the side keys of attributes that expire outlive them by a quarter of an hour', async () => {
  const mem = await Memory.open<{ list: number[] }>({ url: server.url, names: ['list'], ttl: 60 });
  mem.list = [1];
  await mem.$flush();
  mem.list.push(2);
  await mem.$flush();
  const keys = (await sideKeys()).filter(({ name }) => !ofPrefix.includes(name));
  expect(keys.filter(isDedupKey)).toHaveLength(1);
  expect(names(keys.filter((key) => !isDedupKey(key)))).toEqual(['sm:{memory:list}:appends']);
  for (const { seconds } of keys) {
    expect(seconds).toBeGreaterThan(15 * 60);
    expect(seconds).toBeLessThanOrEqual(16 * 60);
  }
  await mem.$close();
});

test('$status says what a memory leaves', async () => {
  const mem = await Memory.open<State>({ url: server.url });
  expect(mem.$status.sideKeys).toMatchObject({ count: 0, bytes: 0, secondsAfterClose: 120 });
  mem.x = 1;
  mem['{tag}y'] = 2;
  await mem.$flush();
  const { pattern = '', count, bytes, seconds } = mem.$status.sideKeys ?? {};
  const matching = await client.keys(pattern);
  const found = (await sideKeys()).filter(({ name }) => matching.includes(name));
  expect({ count, bytes }).toEqual({ count: 2, bytes: found.reduce((sum, key) => sum + key.bytes, 0) });
  for (const key of found) expect(key.seconds).toBeLessThanOrEqual(seconds ?? 0);
  await mem.$close();
  expect(mem.$status.sideKeys).toBeUndefined();
});
