import type { HistoryEntry, HistoryMutation } from '../../memory/history.js';
import type { Command } from '../command.js';
import { absentError, usageError } from '../failure.js';
import { printCompact, printShort } from '../json-printer.js';
import { formatPath, parsePath, pathRules } from '../path-syntax.js';
import { note, print, printable, styled } from '../terminal.js';
import { withMemory } from '../with-memory.js';

/** The most characters of a value in a line. */
const MAX_VALUE = 120;

/** Prints the history of an attribute. */
export const history: Command = {
  name: 'history',
  usage: 'PATH',
  arity: [1, 1],
  summary: 'print the recorded commits of an attribute',
  options: { last: { type: 'string', value: 'N', summary: 'only so many, the newest' } },
  details: [
    ...pathRules.slice(0, 1),
    'Programs that open with the option history record them. With a path inside of',
    'the attribute, only changes there and around it are printed. With --json, a line',
    'is an object of revision, base, writer, time, mutations and isAfterGap.',
    'Exit code 3: nothing is recorded.',
  ],

  async run(invocation) {
    const { args, options } = invocation;
    const { name, path } = parsePath(args[0] as string);
    const last = options.last === undefined ? undefined : Number(options.last);
    if (last !== undefined && !(Number.isSafeInteger(last) && last > 0)) {
      throw usageError(`--last ${options.last}: write a number of commits above 0`);
    }
    return withMemory(invocation, { names: [name] }, async ({ mem }) => {
      const { entries, malformed } = await mem.$history(name, last === undefined ? {} : { last });
      if (malformed > 0) note(`${malformed} entries are malformed: another program has written them`);
      if (entries.length === 0) throw absentError(`no history of ${formatPath([name])} is recorded`);
      const selected = [name, ...path];
      for (const entry of entries) {
        const mutations = entry.mutations?.filter((mutation) => concerns(mutation, selected));
        if (mutations?.length === 0) continue;
        if (options.json === true) print(entryJson({ ...entry, mutations }));
        else for (const line of entryLines({ ...entry, mutations })) print(line);
      }
      return undefined;
    });
  },
};

/** True if a mutation is of something inside the value at the path, or around it. */
function concerns({ path }: HistoryMutation, selected: readonly (string | number)[]): boolean {
  return selected.every((key, depth) => depth >= path.length || path[depth] === key);
}

function entryJson({ revision, base, writer, time, mutations, isAfterGap }: HistoryEntry): string {
  const shown = { revision: `${revision}`, base: `${base}`, writer: writer ?? null, time: time.toISOString() };
  return printCompact({ ...shown, mutations: mutations ?? null, isAfterGap }, [], (number) => `"${number}"`);
}

function entryLines({ revision, writer, time, mutations, isAfterGap }: HistoryEntry): string[] {
  const gap = isAfterGap ? styled('yellow', ' after a gap') : '';
  const by = writer === undefined ? 'another program' : printable(writer.label ?? writer.id);
  const head = `${styled('bold', `${revision}`)} ${styled('dim', `${time.toISOString()} ${by}`)}${gap}`;
  return [head, ...(mutations?.map((mutation) => `  ${describe(mutation)}`) ?? ['  (too long to be recorded)'])];
}

function describe(mutation: HistoryMutation): string {
  const where = printable(formatPath(mutation.path));
  const shown = (value: unknown) => printShort(value, MAX_VALUE);
  switch (mutation.kind) {
    case 'set':
      return `${where} = ${shown(mutation.value)}`;
    case 'append':
      return `${where} + ${shown(mutation.values)}`;
    case 'splice':
      return `${where}[${mutation.index}] - ${mutation.removed} + ${shown(mutation.values)}`;
    case 'permute':
      return `${where} reordered`;
    case 'increment':
      return `${where} + ${mutation.by}`;
    default:
      return `${where} ${mutation.kind === 'clear' ? 'emptied' : 'deleted'}`;
  }
}
