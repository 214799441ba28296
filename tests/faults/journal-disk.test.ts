// A journal on a disk that is full, read-only or broken. A laptop where nothing can be mounted skips these tests, and says why.
import { spawn } from 'node:child_process';
import { once as exit } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { Disk, whyNoDisk, whyNoDiskInFile } from './disk.js';
import { once } from './redis.js';

interface State {
  log: string[];
}

/** Nothing listens there, so that every mutation stays pending. */
const NO_SERVER = 'redis://127.0.0.1:1';

let server: Awaited<ReturnType<typeof startRedisServer>>;
let prefixes = 0;
let prefix: string;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

/** Each test has a prefix of its own on the server, and a disk. */
function prepare(makeDisk: () => Disk): Disk {
  prefix = `disk${++prefixes}:`;
  const disk = makeDisk();
  onTestFinished(() => disk.remove());
  return disk;
}

const journalOn = (disk: Disk) => `file:${join(disk.folder, 'journal.db')}`;

const offlineOptions = (disk: Disk) => ({ url: NO_SERVER, journal: journalOn(disk), offline: true, exitTimeout: 1 });

/** A memory without a server: what it has comes from the journal. */
const openOffline = (disk: Disk, errors: SyncedMemoryError[] = []) =>
  Memory.open<State>({ ...offlineOptions(disk), onError: (error) => errors.push(error) });

/** Ends a memory that cannot flush. */
const abandon = (mem: Memory<State>) => expect(mem.$close()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });

const ofJournal = ({ code }: SyncedMemoryError) => code === 'ERR_JOURNAL';

describe.each([false, true])('a disk that is full under a journal, fsync: %s', (fsync) => {
  test('sends nothing, says so, and goes on once there is space', async (context) => {
    context.skip(whyNoDisk !== undefined, whyNoDisk);
    const disk = prepare(Disk.inMemory);
    const mem = await Memory.open<State>({ url: server.url, prefix, journal: { url: journalOn(disk), fsync } });
    const other = await Memory.open<State>({ url: server.url, prefix });
    mem.log = ['acknowledged'];
    await mem.$flush();
    disk.fill();
    const errors: SyncedMemoryError[] = [];
    const failed = once<SyncedMemoryError>((listener) => mem.$on('error', listener));
    mem.$on('error', (error) => errors.push(error));
    for (let n = 0; n < 300; n++) {
      mem.log.push(`${n} ${'x'.repeat(1_000)}`);
      await new Promise(setImmediate);
    }
    expect(await failed).toMatchObject({
      code: 'ERR_JOURNAL',
      message: expect.stringMatching(/journal\.db cannot be written: .*full; free some space/),
    });
    // Mutations before the first one that did not fit may have been sent.
    await other.$sync();
    const { pending } = mem.$status;
    expect(pending).toBeGreaterThan(0);
    expect(other.log.length).toBeLessThanOrEqual(301 - pending);
    await expect(mem.$flush({ timeout: 1 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      cause: { code: 'ERR_JOURNAL' },
    });
    // It is said once, although the journal tries again and again.
    expect(errors.filter(ofJournal)).toHaveLength(1);

    disk.free();
    await mem.$flush();
    await other.$sync();
    expect(other.log.map((text) => text.split(' ')[0])).toEqual(['acknowledged', ...Array(300).keys()].map(String));
    await mem.$close();
    await other.$close();
  });
});

describe.each([
  ['at the end of the event loop', '', 1],
  ['by process.exit()', 'process.exit();', 0],
])('a process that ends %s', (_, ending, exitCode) => {
  test('says that a full disk kept mutations from the journal', async (context) => {
    context.skip(whyNoDisk !== undefined, whyNoDisk);
    const disk = prepare(Disk.inMemory);
    const script = `
      import { appendFileSync } from 'node:fs';
      import { Memory } from 'synced-memory';
      const mem = await Memory.open({ ...JSON.parse(process.argv[1]), onError() {} });
      mem.log = ['kept'];
      await new Promise(setImmediate);
      try { for (;;) appendFileSync(process.argv[2], Buffer.alloc(4096)); } catch {}
      mem.log.push('x'.repeat(100_000));
      ${ending}`;
    const filler = join(disk.folder, 'filler0');
    const options = JSON.stringify(offlineOptions(disk));
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script, options, filler], { cwd: root });
    const [[code], stderr] = await Promise.all([exit(child, 'exit'), text(child.stderr)]);
    expect(stderr).toMatch(
      /2 unacknowledged mutations of log, of which those are lost that the journal could not take/,
    );
    expect(code).toBe(exitCode);

    disk.free();
    const mem = await openOffline(disk);
    expect([mem.log, mem.$status.pending]).toEqual([['kept'], 1]);
    await abandon(mem);
  });
});

test('a disk that is full when a journal is opened', async (context) => {
  context.skip(whyNoDisk !== undefined, whyNoDisk);
  const disk = prepare(Disk.inMemory);
  const full = { code: 'ERR_JOURNAL', message: expect.stringMatching(/cannot be opened: .*full; free some space/) };
  disk.fill();
  await expect(openOffline(disk)).rejects.toMatchObject(full);
  disk.free();
  const first = await openOffline(disk);
  first.log = ['kept'];
  await abandon(first);

  disk.fill();
  await expect(openOffline(disk)).rejects.toMatchObject(full);
  disk.free();
  const second = await openOffline(disk);
  expect([second.log, second.$status.pending]).toEqual([['kept'], 1]);
  await abandon(second);
});

test('a disk that is read-only when a journal is opened', async (context) => {
  context.skip(whyNoDisk !== undefined, whyNoDisk);
  const disk = prepare(Disk.inMemory);
  const readOnly = {
    code: 'ERR_JOURNAL',
    message: expect.stringMatching(/cannot be opened: .*Read-only file system.*that this process may write/),
  };
  disk.setMode('ro');
  await expect(openOffline(disk)).rejects.toMatchObject(readOnly);
  await expect(
    Memory.open({ ...offlineOptions(disk), journal: `file:${join(disk.folder, 'new', 'journal.db')}` }),
  ).rejects.toMatchObject({ code: 'ERR_JOURNAL', message: expect.stringContaining('Read-only file system') });
  disk.setMode('rw');
  const first = await openOffline(disk);
  first.log = ['kept'];
  await abandon(first);

  disk.setMode('ro');
  await expect(openOffline(disk)).rejects.toMatchObject(readOnly);
  disk.setMode('rw');
  const second = await openOffline(disk);
  expect([second.log, second.$status.pending]).toEqual([['kept'], 1]);
  await abandon(second);
});

test('a disk that becomes read-only under a journal', async (context) => {
  context.skip(whyNoDiskInFile !== undefined, whyNoDiskInFile);
  const disk = prepare(Disk.inFile);
  const onError = () => {};
  const mem = await Memory.open<State>({ url: server.url, prefix, journal: journalOn(disk), exitTimeout: 1, onError });
  const other = await Memory.open<State>({ url: server.url, prefix });
  mem.log = ['acknowledged'];
  await mem.$flush();
  disk.breakDown();
  const failed = once<SyncedMemoryError>((listener) => mem.$on('error', listener));
  mem.log.push('kept from the server');
  expect(await failed).toMatchObject({
    code: 'ERR_JOURNAL',
    message: expect.stringMatching(/cannot be written: .*Read-only file system/),
  });
  await other.$sync();
  expect(other.log).toEqual(['acknowledged']);
  await abandon(mem);

  disk.unmount();
  disk.mount();
  const next = await Memory.open<State>({ url: server.url, prefix, journal: journalOn(disk) });
  next.log.push('goes on');
  await next.$flush();
  expect([next.log, next.$status.pending]).toEqual([['acknowledged', 'goes on'], 0]);
  await next.$close();
  await other.$close();
});

test('what was journalled before the disk became read-only is sent by the next process', async (context) => {
  context.skip(whyNoDiskInFile !== undefined, whyNoDiskInFile);
  const disk = prepare(Disk.inFile);
  const first = await openOffline(disk);
  first.log = ['journalled'];
  await new Promise(setImmediate);
  disk.breakDown();
  const failed = once<SyncedMemoryError>((listener) => first.$on('error', listener));
  first.log.push('lost');
  await failed;
  await abandon(first);

  disk.unmount();
  disk.mount();
  const second = await openOffline(disk);
  expect([second.log, second.$status.pending]).toEqual([['journalled'], 1]);
  await abandon(second);
});
