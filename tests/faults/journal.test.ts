import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Memory } from 'synced-memory';
import { Memory as EdgeMemory } from 'synced-memory/edge';
import { memory } from 'synced-memory/transports/memory';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { backends } from '../servers/backends.js';
import { check, journalKills, type State } from './run/journal-kills.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'synced-memory-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const journal = () => `file:${join(folder, 'journal.db')}`;
const fileUrl = () => `file:${join(folder, 'memory.db')}`;

// `npm run faults:journal` kills a thousand.
test.each([
  ['redis', 12, false],
  ['cluster', 5, false],
  ['sentinel', 5, true],
  ['file', 5, true],
] as const)(
  'every mutation of killed writers is stored once: %s',
  async (kind, kills, fsync) => {
    const backend = await backends[kind]();
    const { checked } = await journalKills({ kills, seed: 7, url: backend.url, fsync });
    expect(checked).toBeGreaterThanOrEqual(kills);
    await backend.stop();
  },
  120_000,
);

describe('the checker', () => {
  const said = [['w0n0', 'w0n1'], ['w1n0']];
  const stored = (): State => ({
    log: ['w0n0', 'w0n1', 'other0', 'w1n0', 'w1n1'],
    bag: { items: ['w1n1', 'w1n0', 'w0n0', 'other0', 'w0n1'] },
    keys: { w0n0: 0, w0n1: 1, w1n0: 0 },
    left: ['w0n0', 'w0n1', 'w1n0'],
    right: ['w0n0', 'w0n1', 'w1n0'],
    counts: { all: 3 },
  });

  test('accepts a correct result', () => {
    expect(check(stored(), said)).toEqual({ checked: 3, unsaid: 1 });
  });

  test.each<[string, RegExp, (state: State) => void]>([
    ['a lost mutation', /lost: w0n1 is not in bag/, ({ bag }) => bag.items.pop()],
    ['a mutation that is there twice', /twice: w0n0 in log/, ({ log }) => log.push('w0n0')],
    ['what nobody made', /unknown: w1n2 is in right/, ({ right }) => right.push('w1n2')],
    ['another order', /order/, ({ log }) => log.reverse()],
    ['half of a batch', /half of a batch: w1n1/, ({ left }) => left.push('w1n1')],
    ['an increment that counts twice', /count/, ({ counts }) => Object.assign(counts, { all: 7 })],
  ])('notices %s', (_, message, spoil) => {
    const state = stored();
    spoil(state);
    expect(() => check(state, said)).toThrow(message);
  });
});

test('the last known documents are read without a server, and are marked as stale', async () => {
  const server = await startRedisServer();
  const first = await Memory.open<{ tasks: string[] }>({ url: server.url, journal: journal() });
  first.tasks = ['known'];
  await first.$flush();
  expect(first.$status.stale).toEqual([]);
  await first.$close();
  await server.stop();

  const second = await Memory.open<{ tasks: string[] }>({
    url: server.url,
    journal: journal(),
    offline: true,
    exitTimeout: 1,
    onError: () => {},
  });
  expect(second.tasks).toEqual(['known']);
  await vi.waitFor(() => expect(second.$status.state).toBe('disconnected'));
  expect(second.$status).toMatchObject({ state: 'disconnected', stale: ['tasks'], pending: 0 });
  expect(second.tasks).toEqual(['known']);
  second.tasks.push('offline');
  await expect(second.$close()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });

  const again = await startRedisServer(['--port', String(server.port)]);
  const third = await Memory.open<{ tasks: string[] }>({ url: server.url, journal: journal() });
  await third.$flush();
  expect(third.$status).toMatchObject({ state: 'connected', stale: [], pending: 0 });
  await third.$close();
  await again.stop();
});

test('a process that ends with mutations in its journal has lost nothing', async () => {
  const script = `
    import { Memory } from 'synced-memory';
    const options = { url: 'redis://127.0.0.1:1', journal: process.argv[1], offline: true, exitTimeout: 1, onError() {} };
    const mem = await Memory.open(options);
    mem.tasks = ['kept'];
    if (process.argv[2]) process.exit();`;
  const args = ['--input-type=module', '--eval', script, journal()];
  for (const more of [[], ['now']]) {
    const { stderr } = await promisify(execFile)(process.execPath, [...args, ...more], { cwd: root });
    expect(stderr).not.toContain('lost');
  }
  const mem = await Memory.open<{ tasks: string[] }>({
    url: 'redis://127.0.0.1:1',
    journal: journal(),
    offline: true,
    exitTimeout: 1,
    onError: () => {},
  });
  expect(mem.tasks).toEqual(['kept']);
  expect(mem.$status.pending).toBe(2);
  await mem.$close().catch(() => {});
});

test('one memory at a time has a journal open', async () => {
  const first = await Memory.open({ url: fileUrl(), journal: journal() });
  await expect(Memory.open({ url: fileUrl(), journal: journal() })).rejects.toMatchObject({
    code: 'ERR_JOURNAL_IN_USE',
    message: expect.stringContaining('journal.db'),
  });
  await first.$close();
  const second = await Memory.open({ url: fileUrl(), journal: journal() });
  await second.$close();
});

test('a journal belongs to one prefix and one server', async () => {
  const first = await Memory.open({ url: fileUrl(), journal: journal() });
  await first.$close();
  await expect(Memory.open({ url: fileUrl(), journal: journal(), prefix: 'other:' })).rejects.toMatchObject({
    code: 'ERR_JOURNAL',
    message: expect.stringContaining('belongs to the prefix "memory:"'),
  });
  await expect(Memory.open({ url: 'redis://127.0.0.1:1', journal: journal() })).rejects.toMatchObject({
    code: 'ERR_JOURNAL',
    message: expect.stringContaining('belongs to another server'),
  });
});

test('a scope has a journal of its own', async () => {
  const mem = await Memory.open({ url: fileUrl(), journal: journal() });
  await expect(mem.$scope('room')).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  const without = await mem.$scope('room', { journal: false });
  const own = await mem.$scope<{ n: number }>('other', { journal: `file:${join(folder, 'scope.db')}` });
  own.n = 1;
  await own.$flush();
  await Promise.all([own.$close(), without.$close()]);
  await mem.$close();
});

test('the wasm build and memory: have no journal', async () => {
  await expect(EdgeMemory.open({ transport: memory(), journal: journal() })).rejects.toMatchObject({
    code: 'ERR_NOT_SUPPORTED',
  });
  await expect(Memory.open({ url: 'memory:', journal: journal() })).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
});

test('a full journal rejects mutations', async () => {
  const errors: string[] = [];
  const mem = await Memory.open<{ text: string; list: string[] }>({
    url: 'redis://127.0.0.1:1',
    journal: { url: journal(), maxBytes: 100_000, fsync: false },
    offline: true,
    exitTimeout: 1,
    onError: (error) => errors.push(error.code),
  });
  mem.list = [];
  for (let n = 0; n < 20 && !errors.includes('ERR_JOURNAL_FULL'); n++) {
    mem.list.push('x'.repeat(20_000));
    await new Promise(setImmediate);
  }
  expect(errors).toContain('ERR_JOURNAL_FULL');
  expect(mem.list.length).toBeLessThan(6);
  await mem.$close().catch(() => {});
});

test('an element that a killed process has taken is reported by the next one', async () => {
  const server = await startRedisServer();
  const first = await Memory.open<{ tasks: string[] }>({ url: server.url });
  first.tasks = ['paid', 'job'];
  await first.$close();
  // The server has gone before the process takes, so that no reply can come.
  const script = `
    import { Memory } from 'synced-memory';
    const mem = await Memory.open({ url: process.argv[1], journal: process.argv[2], onError() {} });
    process.kill(Number(process.argv[3]), 'SIGUSR2');
    mem.$on('disconnect', () => {
      mem.$shift('tasks');
      setImmediate(() => process.kill(process.pid, 'SIGKILL'));
    }, undefined, { keepAlive: true });`;
  const stopped = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve(server.stop())));
  const args = ['--input-type=module', '--eval', script, server.url, journal(), String(process.pid)];
  const ended = promisify(execFile)(process.execPath, args, { cwd: root });
  await stopped;
  await expect(ended).rejects.toMatchObject({ signal: 'SIGKILL' });

  const again = await startRedisServer(['--port', String(server.port)]);
  const other = await Memory.open<{ tasks: string[] }>({ url: server.url });
  other.tasks = ['paid', 'job'];
  await other.$close();
  const next = await Memory.open<{ tasks: string[] }>({ url: server.url, journal: journal() });
  const warning = new Promise((resolve) => next.$on('warning', resolve));
  await expect(warning).resolves.toMatchObject({ code: 'ERR_JOURNAL', message: expect.stringContaining('"paid"') });
  expect(next.tasks).toEqual(['job']);
  await next.$close();
  await again.stop();
}, 60_000);
