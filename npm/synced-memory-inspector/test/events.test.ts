// Events: changes with their texts, incidents, rates, and the stream that says what is new.
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { inspector } from 'synced-memory-inspector';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import type { StreamMessage, Tick } from '../src/protocol.js';
import { Client } from './client.js';

let redis: Awaited<ReturnType<typeof startRedisServer>>;
let mem: Memory;
let other: Memory;
let page: Client;
let prefix: string;
beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  prefix = `${crypto.randomUUID()}:`;
  mem = await Memory.open({ url: redis.url, prefix, onError: () => {} });
  other = await Memory.open({ url: redis.url, prefix });
  page = new Client(inspector(mem, { authorize: () => true }));
  return () => Promise.all([mem.$close(), other.$close()]);
});

const isTickWith = (lastChange: number) => (message: StreamMessage) =>
  message.type === 'tick' && message.lastChange >= lastChange;

test('changes of this process and of others are recorded while a page is open', async () => {
  mem.before = 1;
  await using events = await page.events();
  expect(await events.next()).toMatchObject({ type: 'hello', canWrite: false, status: { state: 'connected' } });
  mem.tasks = ['draft'];
  await mem.$flush();
  await events.until(isTickWith(1));
  await other.$sync();
  other.tasks.push('review');
  other.tasks[0] = 'done';
  delete other.before;
  await other.$flush();
  await events.until(isTickWith(4));
  const { changes, oldest } = await page.changes();
  expect(oldest).toBe(1);
  const ofTasks = changes.filter(({ path }) => path[0] === 'tasks');
  expect(ofTasks).toMatchObject([
    { path: ['tasks', 0], kind: 'set', before: '"draft"', after: '"done"', origin: 'remote' },
    { path: ['tasks', 1], kind: 'splice', before: '[]', after: '["review"]', origin: 'remote' },
    { path: ['tasks'], kind: 'set', after: '["draft"]', origin: 'local' },
  ]);
  expect(ofTasks[0]?.revision).toBe(String(mem.$lastModified('tasks')));
  expect((await page.changes({ filter: 'before' })).changes).toMatchObject([{ kind: 'delete', before: '1' }]);
  expect((await page.changes({ before: 2 })).changes).toMatchObject([{ number: 1 }]);
});

test('long values are cut around their first difference', async () => {
  const text = (middle: string) => `${'a'.repeat(500)}${middle}${'b'.repeat(5_000_000)}`;
  mem.long = text('x');
  await using _events = await page.events();
  mem.long = text('y');
  const [change] = (await page.changes()).changes;
  expect(change?.before).toMatch(/^…a{40}xb{199}…$/);
  expect(change?.after).toMatch(/^…a{40}yb{199}…$/);
});

test('bursts are told in few messages, and recorded up to a bound', async () => {
  mem.count = 0;
  await using events = await page.events();
  for (let times = 1; times <= 30_000; times++) mem.count = times;
  const tick = (await events.until(isTickWith(30_000))) as Tick;
  expect(tick.lastChange).toBe(30_000);
  expect(events.bytes).toBeLessThan(10_000);
  const newest = await page.changes({ count: 100_000 });
  expect([newest.changes.length, newest.changes[0]?.after, newest.oldest]).toEqual([500, '30000', 10_001]);
  expect((await page.changes({ before: 10_003 })).changes.map(({ number }) => number)).toEqual([10_002, 10_001]);
});

test('conflicts and moot removals are recorded without a page', async () => {
  mem.tasks = [{ title: 'draft' }];
  mem.queue = ['a'];
  await mem.$flush();
  await other.$sync();
  delete other.tasks;
  other.queue.shift();
  // It blocks, so that the mutations below are made before the other ones arrive.
  other.$flushSync();
  mem.tasks[0].title = 'lost';
  mem.queue.shift();
  await mem.$flush();
  await using events = await page.events();
  expect(await events.incident('conflict')).toMatchObject({
    name: 'tasks',
    message: 'set in tasks[0]: the list or dict that it changes is gone',
    there: 'tasks is gone',
    times: 1,
  });
  expect(await events.incident('moot')).toMatchObject({ name: 'queue', there: 'queue is []', times: 1 });
});

test('an error that is repeated is one incident', async () => {
  const client = await createClient({ url: redis.url }).connect();
  await using events = await page.events();
  for (let times = 1; times <= 3; times++) {
    await client.set(`${prefix}broken`, '{"value":[1,');
    await mem.$sync();
    await client.del(`${prefix}broken`);
    await mem.$sync();
  }
  await events.untilSeen(() => events.incidents.at(-1)?.times === 3);
  expect(events.incidents.at(-1)).toMatchObject({ number: 1, kind: 'error', name: 'broken' });
  client.destroy();
});

test('a second in which something happened has rates and latencies', async () => {
  await using events = await page.events();
  mem.tasks = [1];
  await mem.$flush();
  const sum = (counter: 'commits' | 'local' | 'bytes') =>
    events.points.reduce((total, point) => total + point[counter], 0);
  await events.untilSeen(() => sum('commits') === 1 && sum('local') === 1);
  expect(sum('bytes')).toBe('[1]'.length);
  expect(events.points.at(-1)?.p50).toBeGreaterThan(0);
});

test('a lost server shows, and the memory is shown as it is', async () => {
  const lost = await startRedisServer();
  const away = await Memory.open({ url: lost.url, exitTimeout: 1, onError: () => {} });
  const client = new Client(inspector(away, { authorize: () => true }));
  await using events = await client.events();
  await lost.stop();
  expect(await events.incident('disconnect')).toMatchObject({ message: expect.stringContaining('ERR_') });
  await events.untilSeen(() => events.status?.state === 'disconnected');
  away.tasks = ['queued'];
  expect(await client.row('tasks')).toMatchObject({ preview: '["queued"]' });
  await events.untilSeen(() => events.status?.pending === 1);
  await away.$close().catch(() => {});
});

test('an idle page costs the server no command', async () => {
  const client = await createClient({ url: redis.url }).connect();
  await client.set('idle:tasks', '{"value":[1],"last_modified":1}');
  // It writes nothing, after which it would look at what it wrote.
  await using idle = await Memory.open({ url: redis.url, prefix: 'idle:' });
  const shown = new Client(inspector(idle, { authorize: () => true }));
  await using events = await shown.events();
  await shown.rows();
  await idle.$ttl('tasks');
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1]);
  const before = await commands();
  // The status is looked at each second.
  const silence = new Promise((resolve) => setTimeout(resolve, 2500));
  await Promise.race([silence, events.until(() => false)]);
  // The INFO itself is one command.
  expect((await commands()) - before).toBeLessThanOrEqual(1);
  client.destroy();
});
