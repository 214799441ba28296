// The embedded file is deleted, moved, not writable, or the disk is full.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Memory } from 'synced-memory';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { once } from './redis.js';

type State = { log: number[] };
let folder: string;
let path: string;
const open = () => Memory.open<State>({ url: `file:${path}`, onError: () => {} });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'synced-memory-file-fault-'));
  path = join(folder, 'memory', 'memory.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function stored(): Promise<number[]> {
  await using mem = await open();
  return [...mem.log];
}

/**
 * Flushes, and accepts that the outcome of a commit is unknown: it was under way when its file was moved away with the
 * record of whether it was applied, and the other writer created the new file.
 */
async function flushUnlessUnknown(mem: Awaited<ReturnType<typeof open>>): Promise<void> {
  await mem.$flush().catch((error) => expect(error).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' }));
}

// Windows deletes no file that is open.
describe.skipIf(process.platform === 'win32')('while it is open', () => {
  test('deleted with its folder: a disconnect, then pending mutations create a new file', async () => {
    await using mem = await open();
    mem.log = [0];
    await mem.$flush();
    const regressed = once((listener) => mem.$on('regression', listener));
    const disconnected = once((listener) => mem.$on('disconnect', listener));
    rmSync(join(folder, 'memory'), { recursive: true, maxRetries: 5 });
    mem.log.push(1);
    expect(await disconnected).toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining('deleted') });
    await mem.$flush();
    expect(await regressed).toMatchObject({ name: 'log', revision: 0n });
    expect(JSON.parse(JSON.stringify(await regressed))).toEqual({
      name: 'log',
      previous: expect.stringMatching(/^\d{19}$/),
      revision: '0',
    });
    expect(await stored()).toEqual([0, 1]);
  });

  test('deleted alone: nothing is acknowledged until it is back, or -wal and -shm are gone too', async () => {
    await using mem = await open();
    mem.log = [0];
    await mem.$flush();
    const elsewhere = join(folder, 'elsewhere');
    const disconnected = once((listener) => mem.$on('disconnect', listener));
    renameSync(path, elsewhere);
    await disconnected;
    mem.log.push(1);
    await expect(mem.$flush({ timeout: 100 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(mem.$status).toMatchObject({ state: 'disconnected', pending: 1, lastError: { code: 'ERR_FILE' } });
    expect(existsSync(path)).toBe(false);
    renameSync(elsewhere, path);
    await mem.$flush();
    expect(await stored()).toEqual([0, 1]);

    const again = once((listener) => mem.$on('disconnect', listener));
    rmSync(path);
    await again;
    mem.log.push(2);
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`);
    await mem.$flush();
    expect(await stored()).toEqual([0, 1, 2]);
  });

  test('moved away under two committing writers: both continue with one new file', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    one.log = [];
    await one.$flush();
    await other.$sync();
    // A memory that has never written takes the loss for a deletion.
    other.log.push(-1);
    await other.$flush();
    await one.$sync();
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 50; n++) {
        one.log.push(round * 100 + n);
        other.log.push(round * 100 + 50 + n);
        if (n === 25) renameSync(join(folder, 'memory'), join(folder, `gone ${round}`));
        if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all([flushUnlessUnknown(one), flushUnlessUnknown(other)]);
      await Promise.all([one.$sync(), other.$sync()]);
      expect([...other.log]).toEqual([...one.log]);
    }
    one.log.push(1000);
    other.log.push(1001);
    await Promise.all([one.$flush(), other.$flush()]);
    await one.$sync();
    const log = await stored();
    expect(log).toEqual([...one.log]);
    expect(log).toEqual(expect.arrayContaining([1000, 1001]));
    await Promise.all([one.$close(), other.$close()]);
  });
});

const child = fileURLToPath(new URL('./file-writer.mjs', import.meta.url));

test.skipIf(process.platform !== 'linux' || spawnSync('prlimit', ['--version']).status !== 0)(
  'no room for more: mutations wait with a coded error, and go out once there is some',
  async () => {
    {
      await using mem = await open();
      mem.log = [];
    }
    // A file size limit of the process simulates a full disk.
    const writer = spawn('prlimit', ['--fsize=262144:unlimited', process.execPath, child, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: writer.stdout })) {
      lines.push(line);
      if (line.startsWith('error')) execFileSync('prlimit', ['--fsize=unlimited', '--pid', String(writer.pid)]);
    }
    expect(lines).toEqual(['error ERR_FILE', 'flushed']);
    expect(await stored()).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  },
);

// Root can write everywhere, so the test runs as another user if that user can read this folder.
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const readsHere = spawnSync(process.execPath, ['--check', child], user).status === 0;

test.skipIf(process.platform === 'win32' || !readsHere)(
  'a file that may only be read: refused when it is opened',
  async () => {
    {
      await using mem = await open();
      mem.log = [1, 2];
    }
    chmodSync(path, 0o444);
    chmodSync(join(folder, 'memory'), 0o555);
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
    const writer = spawn(process.execPath, [child, path], { ...user, stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: string[] = [];
    for await (const line of createInterface({ input: writer.stdout })) lines.push(line);
    expect(lines).toEqual(['refused ERR_FILE']);
    chmodSync(join(folder, 'memory'), 0o755);
    chmodSync(path, 0o644);
    expect(await stored()).toEqual([1, 2]);
  },
);
