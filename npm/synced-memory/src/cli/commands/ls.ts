import type { Command } from '../command.js';
import { CommandError } from '../failure.js';
import { findValue, isContainer, typeName } from '../find-value.js';
import { printShort } from '../json-printer.js';
import { formatPath, parsePath, pathRules } from '../path-syntax.js';
import { print, printable, styled } from '../terminal.js';
import { type OpenMemory, withMemory } from '../with-memory.js';

/** A line of the listing. */
interface Entry {
  readonly path: string;
  /** `list`, `dict`, `string`, `number`, `boolean`, `null`, or `unreadable`. */
  readonly type: string;
  /** The number of elements or keys; undefined for other values. */
  readonly length: number | undefined;
  /** The value on one line, or why it cannot be read. */
  readonly preview: string;
}

/** The most characters of a value in a line. */
const PREVIEW = 60;

/** Lists the attributes, or what a value contains. */
export const ls: Command = {
  name: 'ls',
  usage: '[PATH]',
  arity: [0, 1],
  summary: 'list attributes, or the elements or keys of a value',
  details: [
    ...pathRules,
    'Prints path, type, number of elements or keys, and the beginning of the value.',
    'With --json, a line is an object of path, type, length and, where the stored',
    'text cannot be read, the error.',
  ],

  async run(invocation) {
    const path = invocation.args[0] === undefined ? undefined : parsePath(invocation.args[0]);
    return withMemory(invocation, path === undefined ? {} : { names: [path.name] }, async (open) => {
      const base = path === undefined ? [] : [path.name, ...path.path];
      const value = path === undefined ? open.mem.$snapshot() : findValue(open, path);
      if (!isContainer(value)) throw new CommandError(`${formatPath(base)} is ${typeName(value)}; print it with get`);
      const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
      // A server names its attributes in no order.
      if (path === undefined) keys.sort();
      const entries = keys.map((key) => describe([...base, key], (value as Record<string | number, unknown>)[key]));
      if (path === undefined) entries.push(...unreadableEntries(open));
      if (invocation.options.json === true) for (const entry of entries) print(entryJson(entry));
      else printTable(entries);
      return undefined;
    });
  },
};

function describe(path: readonly (string | number)[], value: unknown): Entry {
  const length = isContainer(value) ? Object.keys(value).length : undefined;
  const type = typeName(value).replace(/^an? /, '');
  return { path: formatPath(path), type, length, preview: printShort(value, PREVIEW) };
}

function unreadableEntries({ unreadable }: OpenMemory): Entry[] {
  return [...unreadable].map(([name, { message }]) => ({
    path: formatPath([name]),
    type: 'unreadable',
    length: undefined,
    preview: message,
  }));
}

function entryJson({ path, type, length, preview }: Entry): string {
  return JSON.stringify({ path, type, length, error: type === 'unreadable' ? preview : undefined });
}

function printTable(entries: readonly Entry[]): void {
  const paths = entries.map(({ path }) => printable(path));
  const types = entries.map(({ type, length }) => (length === undefined ? type : `${type}(${length})`));
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const [pathWidth, typeWidth] = [Math.min(width(paths), 40), width(types)];
  for (const [index, { type, preview }] of entries.entries()) {
    const name = (paths[index] as string).padEnd(pathWidth);
    const kind = (types[index] as string).padEnd(typeWidth);
    const style = type === 'unreadable' ? 'red' : 'dim';
    print(`${name}  ${styled('yellow', kind)}  ${styled(style, printable(preview))}`);
  }
}
