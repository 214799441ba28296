// Edits: ordinary mutations, checked against what the page showed, and their undo.
import { Memory } from 'synced-memory';
import { inspector } from 'synced-memory-inspector';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import type { HistoryReply } from '../src/protocol.js';
import { Client } from './client.js';

let redis: Awaited<ReturnType<typeof startRedisServer>>;
let mem: Memory;
let other: Memory;
let page: Client;
beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  const prefix = `${crypto.randomUUID()}:`;
  mem = await Memory.open({ url: redis.url, prefix, maxDocumentBytes: 1_000_000, onError: () => {} });
  other = await Memory.open({ url: redis.url, prefix });
  page = new Client(inspector(mem, { authorize: () => true, write: true }));
  return () => Promise.all([mem.$close(), other.$close()]);
});

test('values are set, added and removed, and every edit can be undone', async () => {
  const edits = [
    { path: ['config'], action: 'set', json: '{"theme": "dark"}' },
    { path: ['config', 'n'], action: 'set', json: '12345678901234567890' },
    { path: ['config', '__proto__'], action: 'set', json: '{"x": 1}' },
    { path: ['tasks'], action: 'set', json: '["a", "b"]' },
    { path: ['tasks'], action: 'append', json: '"c"' },
    { path: ['tasks', 0], action: 'set', json: '"A"' },
    { path: ['tasks', 3], action: 'set', json: '"d"' },
    { path: ['tasks', 1], action: 'delete' },
    { path: ['config', 'theme'], action: 'delete' },
    { path: ['tasks'], action: 'delete' },
  ];
  const states = [JSON.stringify(Object.keys(mem))];
  const text = async () =>
    JSON.stringify(
      [await page.rows({ open: [['config'], ['tasks']] })].map(({ rows }) =>
        rows.map(({ path, preview }) => [path, preview]),
      ),
    );
  states[0] = await text();
  const ids: string[] = [];
  for (const edit of edits) {
    ids.push((await page.edit(edit)).edit as string);
    states.push(await text());
  }
  await other.$sync();
  expect(other.config.n).toBe(12345678901234567890n);
  expect(Object.hasOwn(other.config, '__proto__')).toBe(true);
  expect('tasks' in other).toBe(false);
  for (const id of ids.reverse()) {
    states.pop();
    expect(await page.undo(id)).toEqual({});
    // Keys that come back are the last ones.
    const sorted = (state: string | undefined) => [...(state ?? '')].sort().join('');
    expect(sorted(await text())).toBe(sorted(states.at(-1)));
  }
  expect(await page.error({ op: 'undo', edit: ids[0] })).toMatchObject({ status: 404 });
});

test.each([
  ['{"a": tru}', 6, 'this is not JSON: a value is expected (line 1, column 7)'],
  ['[1,\n 2,\n]', 8, 'this is not JSON: a value is expected (line 3, column 1)'],
  ['', 0, 'this is not JSON: a value is expected, and the text ends (line 1, column 1)'],
  ['draft', 0, 'this is not JSON: a value is expected (line 1, column 1)'],
])('the text %j is refused with the place', async (json, offset, message) => {
  const error = await page.error({ op: 'edit', path: ['tasks'], action: 'set', json });
  expect(error).toEqual({ status: 400, code: 'ERR_JSON', message, offset });
});

test.each([
  [{ path: ['$close'], action: 'set', json: '1' }, 'ERR_RESERVED_NAME'],
  [{ path: ['__proto__'], action: 'set', json: '1' }, 'ERR_RESERVED_NAME'],
  [{ path: ['tasks', 5], action: 'set', json: '1' }, 'ERR_OUT_OF_RANGE'],
  [{ path: ['tasks', 'length'], action: 'set', json: '0' }, 'ERR_OUT_OF_RANGE'],
  [{ path: ['tasks', 0, 'x'], action: 'set', json: '0' }, 'ERR_NOT_FOUND'],
  [{ path: ['tasks', 1], action: 'delete' }, 'ERR_NOT_FOUND'],
  [{ path: ['none'], action: 'delete' }, 'ERR_NOT_FOUND'],
  [{ path: ['none', 'x'], action: 'set', json: '1' }, 'ERR_NOT_FOUND'],
  [{ path: ['none'], action: 'append', json: '1' }, 'ERR_NOT_FOUND'],
  [{ path: ['tasks', 0], action: 'append', json: '1' }, 'ERR_NOT_A_LIST'],
  [{ path: ['tasks'], action: 'set', json: `"${'x'.repeat(1_100_000)}"` }, 'ERR_TOO_LARGE'],
  [{ path: ['tasks'], action: 'set', json: `${'['.repeat(600)}${']'.repeat(600)}` }, 'ERR_TOO_DEEP'],
])('the edit %.60j is refused', async (edit, code) => {
  mem.tasks = ['a'];
  expect(await page.error({ op: 'edit', ...edit })).toMatchObject({ code });
  expect(mem.tasks).toEqual(['a']);
});

test('of two pages that edit at once, the second learns of the first', async () => {
  mem.config = { theme: 'dark' };
  await mem.$flush();
  await other.$sync();
  const second = new Client(inspector(other, { authorize: () => true, write: true }));
  const [{ text: expected }, { text: seenBySecond }] = await Promise.all([
    page.text('config', 'theme'),
    second.text('config', 'theme'),
  ]);
  await page.edit({ path: ['config', 'theme'], action: 'set', json: '"light"', expected });
  await other.$sync();
  const late = { op: 'edit', path: ['config', 'theme'], action: 'set', json: '"blue"', expected: seenBySecond };
  expect(await second.error(late)).toEqual({
    status: 409,
    code: 'ERR_CHANGED',
    message: 'config.theme: the value has changed since it was opened',
    current: '"light"',
  });
  expect(await second.edit({ ...late, expected: '"light"' })).toHaveProperty('edit');
  await mem.$sync();
  expect(mem.config.theme).toBe('blue');
});

test('without recorded commits, the history is refused or empty', async () => {
  mem.tasks = ['a'];
  await mem.$flush();
  const reply = await page.ask<object>({ op: 'history', name: 'tasks' });
  if ('$history' in Object.getPrototypeOf(mem)) expect(reply).toEqual({ commits: [] });
  else expect(reply).toMatchObject({ error: { code: 'ERR_NOT_SUPPORTED' } });
  for (const revision of ['', '-1', 'x', '1'.repeat(21), 5]) {
    expect(await page.error({ op: 'at', name: 'tasks', revision })).toMatchObject({ status: 400 });
  }
});

test.runIf('$history' in Memory.prototype)('earlier revisions are shown and restored', async () => {
  const options = { url: redis.url, prefix: `${crypto.randomUUID()}:`, history: { max: 100 } };
  await using recorded = await Memory.open(options);
  const shown = new Client(inspector(recorded, { authorize: () => true, write: true }));
  for (const tasks of [['a'], ['a', 'b']]) {
    recorded.tasks = tasks;
    await recorded.$flush();
  }
  const { commits } = await shown.ask<HistoryReply>({ op: 'history', name: 'tasks' });
  expect(commits).toMatchObject([{ isAfterGap: false }, { revision: String(recorded.$lastModified('tasks')) }]);
  const first = { name: 'tasks', revision: commits[0]?.revision };
  expect(await shown.ask({ op: 'at', ...first })).toEqual({ text: '[\n  "a"\n]', isWhole: true });
  expect(await shown.ask({ op: 'restore', ...first })).toEqual({});
  expect(recorded.tasks).toEqual(['a']);
  expect(await shown.error({ op: 'at', name: 'tasks', revision: '5' })).toMatchObject({ code: 'ERR_NOT_FOUND' });
});

test('an edit is not undone where its value has changed since', async () => {
  mem.tasks = ['a', 'b'];
  const { edit } = await page.edit({ path: ['tasks', 0], action: 'set', json: '"A"' });
  mem.tasks[0] = 'other';
  expect(await page.error({ op: 'undo', edit })).toMatchObject({
    status: 409,
    code: 'ERR_CHANGED',
    current: '"other"',
  });
  const { edit: removal } = await page.edit({ path: ['tasks', 0], action: 'delete' });
  mem.tasks.push('c');
  expect(await page.undo(removal)).toEqual({});
  expect(mem.tasks).toEqual(['other', 'b', 'c']);
});
