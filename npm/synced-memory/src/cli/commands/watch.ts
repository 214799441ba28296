import type { Change, ChangeWriter } from '../../changes/describe-change.js';
import type { Command } from '../command.js';
import { usageError } from '../failure.js';
import { printCompact, printShort } from '../json-printer.js';
import { formatPath, parsePath, pathRules } from '../path-syntax.js';
import { note, print, printable, styled } from '../terminal.js';
import { type OpenMemory, withMemory } from '../with-memory.js';

/** The most characters of a value in a line. */
const MAX_VALUE = 120;

/** Prints changes as they happen. */
export const watch: Command = {
  name: 'watch',
  usage: '[PATH]',
  arity: [0, 1],
  summary: 'print changes as they happen, until Ctrl-C',
  options: { count: { type: 'string', value: 'N', summary: 'end after so many changes' } },
  details: [
    ...pathRules,
    'A line is: time, path, old value → new value, origin, writer label, revision.',
    'With --json, it is an object of name, path, kind, value, oldValue, origin,',
    'revision and writer; NaN and Infinity are texts in it. Ctrl-C ends with code 0.',
  ],

  async run(invocation) {
    const { args, options } = invocation;
    const path = args[0] === undefined ? undefined : parsePath(args[0]);
    const most = Number(options.count ?? Number.POSITIVE_INFINITY);
    if (!(most >= 1)) throw usageError(`--count ${options.count}: write a number of changes above 0`);
    return withMemory(invocation, path === undefined ? {} : { names: [path.name] }, async (open) => {
      const selected = path === undefined ? undefined : ([path.name, ...path.path] as const);
      noteEvents(open);
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
        let count = 0;
        const show = (change: Change) => {
          if (count < most) print(options.json === true ? changeJson(change) : changeLine(change));
          if (++count >= most) resolve();
        };
        open.mem.$on('change', show, selected, { keepAlive: true });
        const what = selected === undefined ? 'every attribute' : formatPath(selected);
        if (options.quiet !== true) note(styled('dim', `watching ${what}; Ctrl-C ends`, process.stderr));
      });
      return undefined;
    });
  },
};

function noteEvents({ mem }: OpenMemory): void {
  let isLost = false;
  mem.$on('disconnect', ({ message }) => {
    if (!isLost) note(`disconnected: ${message}`);
    isLost = true;
  });
  mem.$on('connect', () => {
    if (isLost) note('connected again; what changed meanwhile follows');
    isLost = false;
  });
  mem.$on('regression', ({ name, previous, revision }) => {
    note(`${formatPath([name])}: the server lost acknowledged data (revision ${previous} → ${revision})`);
  });
}

function changeJson(change: Change): string {
  const { name, path, kind, value, oldValue, origin, revision, writer } = change;
  const shown = { name, path, kind, value, oldValue, origin, revision: revision?.toString(), writer };
  const present = Object.fromEntries(Object.entries(shown).filter(([, each]) => each !== undefined));
  return printCompact(present, [], (number) => `"${number}"`);
}

function changeLine({ path, kind, value, oldValue, origin, revision, writer }: Change): string {
  const time = styled('dim', new Date().toTimeString().slice(0, 8));
  const where = styled('bold', printable(formatPath(path)));
  const [before, after] = [oldText(kind, oldValue), value === undefined ? '(absent)' : printShort(value, MAX_VALUE)];
  const details = styled('dim', `${origin} ${labelText(writer)}${revision ?? ''}`.trim());
  return `${time} ${where} ${styled('red', before)} → ${styled('green', after)} ${details}`;
}

function labelText(writer: ChangeWriter | undefined): string {
  return writer?.label === undefined ? '' : `${printable(writer.label)} `;
}

function oldText(kind: Change['kind'], oldValue: unknown): string {
  if (kind === 'reload') return '(unknown)';
  return oldValue === undefined ? '(absent)' : printShort(oldValue, MAX_VALUE);
}
