// `watch` stays alive and prints the changes of other processes.
import { once } from 'node:events';
import { Memory } from 'synced-memory';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DurableRedis } from '../faults/redis.js';
import { backends } from './backends.js';
import { CommandLine, finished, linesOf } from './cli-process.js';

describe.each(['redis', 'file'] as const)('watch on %s', (kind) => {
  let backend: Awaited<ReturnType<(typeof backends)['redis']>>;
  let mem: Memory;
  let cli: CommandLine;
  const started: ReturnType<CommandLine['start']>[] = [];

  beforeAll(async () => {
    backend = await backends[kind]();
    cli = new CommandLine({ SYNCED_MEMORY_URL: backend.url });
    mem = await Memory.open(backend.url);
    mem.tasks = [{ title: 'draft', done: false }];
    await mem.$flush();
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    cli.remove();
    await mem.$close();
    await backend.stop();
  });

  /** Starts to watch, and resolves when changes are printed. */
  async function watching(...args: string[]) {
    const child = cli.start('watch', ...args);
    started.push(child);
    const stderr = linesOf(child.stderr);
    while (!(await stderr()).startsWith('watching '));
    return { child, line: linesOf(child.stdout), ended: once(child, 'exit') };
  }

  test('prints old → new until Ctrl-C', async () => {
    const { child, line, ended } = await watching();
    mem.tasks[0].done = true;
    await mem.$flush();
    const revision = mem.$lastModified('tasks');
    expect(await line()).toMatch(
      new RegExp(`^\\d\\d:\\d\\d:\\d\\d tasks\\[0\\]\\.done false → true remote ${revision}$`),
    );
    mem.tasks.push('last');
    expect(await line()).toContain(' tasks[1] [] → ["last"] remote ');
    mem.fresh = null;
    expect(await line()).toContain(' fresh (absent) → null remote');
    delete mem.fresh;
    expect(await line()).toContain(' fresh null → (absent) remote');
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
  });

  test('a path and --json: one object a line, long integers as they are', async () => {
    const { line, ended } = await watching('tasks[0].title', '--json', '--count=2');
    mem.tasks[0].done = 'elsewhere';
    mem.tasks[0].title = 12345678901234567890n;
    const text = await line();
    expect(text).toContain('"value":12345678901234567890,');
    expect(JSON.parse(text)).toMatchObject({
      name: 'tasks',
      path: ['tasks', 0, 'title'],
      kind: 'set',
      oldValue: 'draft',
      origin: 'remote',
      revision: expect.stringMatching(/^\d+$/),
    });
    mem.tasks[0].title = 'draft';
    expect(JSON.parse(await line()).value).toBe('draft');
    expect(await ended).toEqual([0, null]);
  });

  test('a reader that goes away ends it without a stack trace', async () => {
    const child = cli.start('watch');
    started.push(child);
    const stderr = linesOf(child.stderr);
    while (!(await stderr()).startsWith('watching '));
    child.stdout.destroy();
    const rest = finished(child);
    mem.tasks.push('unread');
    expect(await rest).toEqual({ code: 141, stdout: '', stderr: '' });
  });
});

test('a lost connection is told, and what changed meanwhile follows', async () => {
  const server = await DurableRedis.prepare();
  await server.start();
  const cli = new CommandLine({ REDIS_URL: server.url });
  await cli.print('set', 'count', '1');
  const child = cli.start('watch', 'count');
  const [note, line] = [linesOf(child.stderr), linesOf(child.stdout)];
  while (!(await note()).startsWith('watching '));
  await server.kill();
  expect(await note()).toMatch(/^disconnected: /);
  await server.start();
  await cli.print('set', 'count', '2');
  expect(await note()).toBe('connected again; what changed meanwhile follows');
  expect(await line()).toMatch(/ count (1|\(unknown\)) → 2 remote /);
  child.kill('SIGINT');
  await once(child, 'exit');
  cli.remove();
  await server.remove();
});
