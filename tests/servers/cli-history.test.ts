// `history` and `restore`.
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandLine } from './cli-process.js';

const linesOf = (text: string): string[] => text.split('\n');

let cli: CommandLine;
let revisions: string[];
beforeAll(async () => {
  cli = new CommandLine();
  const mem = await Memory.open<{ tasks: { title: string }[] }>({
    url: `file:${cli.folder}/.synced-memory/memory.db`,
    history: { max: 10 },
  });
  const commit = async (change: () => unknown) => {
    change();
    await mem.$flush();
    return String(mem.$lastModified('tasks'));
  };
  revisions = [
    await commit(() => (mem.tasks = [{ title: 'draft' }])),
    await commit(() => mem.tasks.push({ title: 'review' })),
  ];
  await mem.$close();
});
afterAll(() => cli.remove());

test('history prints what each commit changed', async () => {
  const [second, appended, first, assigned] = linesOf(await cli.print('history', 'tasks'));
  expect([appended, assigned]).toEqual(['  tasks + [{"title":"review"}]', '  tasks = [{"title":"draft"}]']);
  expect(second).toMatch(new RegExp(`^${revisions[1]} \\d{4}-.*Z \\S+$`));
  expect(first?.startsWith(revisions[0] as string)).toBe(true);
  expect(JSON.parse(await cli.print('history', 'tasks', '--last', '1', '--json'))).toMatchObject({
    revision: revisions[1],
    base: revisions[0],
    mutations: [{ kind: 'append', path: ['tasks'], values: [{ title: 'review' }] }],
    isAfterGap: false,
  });
});

test('restore brings an earlier value back, and is recorded', async () => {
  await cli.print('restore', 'tasks', revisions[0] as string);
  expect(await cli.print('get', 'tasks', '--json')).toBe('[{"title":"draft"}]');
  expect(linesOf(await cli.print('history', 'tasks', '--last', '1'))[1]).toBe('  tasks[1] - 1 + []');
});

test('what cannot be had is refused', async () => {
  for (const [args, code, message] of [
    [['history', 'nothing'], 3, 'no history of nothing is recorded'],
    [['restore', 'tasks', '7'], 3, 'the history does not lead to revision 7'],
    [['restore', 'tasks', 'x'], 2, 'x is no revision'],
    [['restore', 'tasks[0]', '7'], 2, 'only whole attributes can be restored'],
    [['history', 'tasks', '--last', '0'], 2, 'write a number of commits above 0'],
  ] as const) {
    const result = await cli.run([...args]);
    expect([result.code, result.stderr.includes(message)], result.stderr).toEqual([code, true]);
  }
});
