// `types`, `repl`, `bench`, `inspect` and `completion`.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageFolder } from '../../scripts/paths.mjs';
import { CommandLine, linesOf } from './cli-process.js';

let cli: CommandLine;
beforeAll(async () => {
  cli = new CommandLine();
  await cli.print('set', 'tasks', '[{"title": "draft"}]');
});
afterAll(() => cli.remove());

test('types prints an interface', async () => {
  expect(await cli.print('types', '--name', 'Work')).toBe(
    'export interface Work {\n  tasks: {\n    title: string;\n  }[];\n}',
  );
});

test('repl has the memory, prints plainly, and stores at its end', async () => {
  const input = 'mem.tasks\nmem.tasks.push({ title: "review" })\nmem.tasks[0].due = new Date(0)\n';
  const { code, stdout, stderr } = await cli.run(['repl', '-q'], input);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.trimEnd().split('\n')).toEqual([
    "[ { title: 'draft' } ]",
    '2',
    'Uncaught ERR_NOT_SERIALIZABLE: tasks[0].due: Date; assign due.toISOString()',
  ]);
  expect(await cli.print('get', 'tasks', '--json')).toBe('[{"title":"draft"},{"title":"review"}]');
});

test('bench measures, and leaves nothing', async () => {
  const rows = JSON.parse(await cli.print('bench', '--seconds', '0.5', '--json'));
  expect(rows[0]).toMatchObject({ name: 'round trip', ratio: 1 });
  for (const row of rows) expect(row.p99).toBeGreaterThanOrEqual(row.p50);
  expect((await cli.print('ls', '--json')).split('\n')).toHaveLength(1);
});

test('inspect prints the command that installs the inspector where it is not installed', async () => {
  // Outside of the repository, where the two packages are beside each other.
  const alone = join(cli.folder, 'node_modules/synced-memory');
  for (const name of ['dist', 'package.json'])
    cpSync(join(packageFolder, name), join(alone, name), { recursive: true });
  const { code, stdout, stderr } = await cli.run(['inspect', '-q'], '', join(alone, 'dist/cli/main.js'));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/\n {2}npm install --save-dev synced-memory-inspector\n$/);
});

test('inspect serves the page until it is interrupted', async () => {
  const child = cli.start('inspect', '--write');
  const url = await linesOf(child.stdout)();
  const page = await fetch(url);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect((await fetch(new URL('/', url))).status).toBe(401);
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('the script for bash completes commands and their options', async () => {
  const script = await cli.print('completion', 'bash');
  const completed = (...words: string[]) => {
    const setting = `COMP_WORDS=(synced-memory ${words.join(' ')}); COMP_CWORD=${words.length}`;
    return execFileSync('bash', ['-c', `${script}\n${setting}; _synced_memory; echo "\${COMPREPLY[@]}"`], {
      encoding: 'utf8',
    });
  };
  expect(completed('wa')).toBe('watch\n');
  expect(completed('watch', '--c')).toBe('--count\n');
  expect(await cli.print('completion', 'zsh')).toContain('compdef _synced_memory synced-memory');
});

test.runIf(existsSync('/usr/bin/script'))('a terminal has colours and a progress line that goes away', async () => {
  const command = `"${process.execPath}" "${join(packageFolder, 'dist/cli/main.js')}" ls --url file:.synced-memory/memory.db`;
  // Node shows no colours where these variables name a plain terminal or an unknown CI.
  const { NO_COLOR, FORCE_COLOR, NODE_DISABLE_COLORS, CI, ...others } = process.env;
  const env = { ...others, TERM: 'xterm-256color' };
  const options = { cwd: cli.folder, encoding: 'utf8' as const, env };
  const text = execFileSync('script', ['-qec', command, '/dev/null'], options);
  expect(text).toContain('\r\x1b[Kconnecting to file:.synced-memory/memory.db …\r\x1b[K');
  expect(text).toContain('\x1b[33mlist(');
});
