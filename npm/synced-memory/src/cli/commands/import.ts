import { text as readAll } from 'node:stream/consumers';
import { SyncedMemoryError } from '../../base/errors.js';
import { checkAttributeName } from '../../memory/attribute-name.js';
import type { Command } from '../command.js';
import { CommandError, exitCodeOf, isSystemError, usageError } from '../failure.js';
import { note, progress } from '../terminal.js';
import { type Attribute, parseLine, readLines } from '../transfer-format.js';
import { type OpenMemory, withMemory } from '../with-memory.js';

/** The most characters of lines that are sent before their acknowledgement is awaited. */
const MAX_UNACKNOWLEDGED = 1024 * 1024;

/** Stores the attributes of an export. */
export const importCommand: Command = {
  name: 'import',
  usage: '[FILE]',
  arity: [0, 1],
  summary: 'store the attributes of an export',
  options: { from: { type: 'string', value: 'LINE', summary: 'begin at this line, after an import that stopped' } },
  details: [
    'Without FILE, from the standard input. The whole file is checked first: nothing',
    'is stored if a line is wrong, or if the file is truncated. Attributes of the',
    'same name are replaced, with their lifetimes; others stay. If it stops half-way,',
    'it says with which --from to go on; to begin again does no harm.',
  ],

  async run(invocation) {
    const [file] = invocation.args;
    const from = Number(invocation.options.from ?? 1);
    if (!(Number.isInteger(from) && from >= 1))
      throw usageError(`--from ${invocation.options.from}: write a line number`);
    const input = file === undefined ? (await readAll(process.stdin)).split('\n') : undefined;
    const lines = (): AsyncIterable<string> | Iterable<string> => input ?? readLines(file as string);
    const count = await checkLines(lines(), file);
    return withMemory(invocation, { names: [], isWriter: true }, async (open) => {
      const stored = await store(open, lines(), from, count);
      note(`imported ${stored} attributes`);
      return undefined;
    });
  },
};

/** Checks every line, and returns the number of attributes. Throws an error that names the line. */
async function checkLines(lines: AsyncIterable<string> | Iterable<string>, file: string | undefined): Promise<number> {
  let [number, last, count, end]: [number, number, number, number | undefined] = [0, 0, 0, undefined];
  try {
    for await (const text of lines) {
      const line = parseLine(text, ++number);
      if (line === undefined) continue;
      if (end !== undefined) throw new CommandError(`line ${number}: there is more after the last line of an export`);
      last = number;
      if (line.kind === 'attribute') {
        checkAttributeName(line.attribute.name);
        count++;
      }
      if (line.kind === 'end') end = line.count;
    }
  } catch (error) {
    if (isSystemError(error)) throw new CommandError(`${file} cannot be read: ${error.message}`);
    const reason = error instanceof SyncedMemoryError ? `line ${number}: ${error.message}` : (error as Error).message;
    throw new CommandError(`${reason}\nnothing was imported`);
  }
  if (end === undefined) {
    throw new CommandError(
      `the file is truncated: line ${last} is its last, and is not the end of an export\nnothing was imported`,
    );
  }
  if (end !== count)
    throw new CommandError(`the file has ${count} attributes, and its line ${last} says ${end}\nnothing was imported`);
  return count;
}

/** Stores the attributes from a line on, and returns their number. */
async function store(
  open: OpenMemory,
  lines: AsyncIterable<string> | Iterable<string>,
  from: number,
  total: number,
): Promise<number> {
  let [number, unacknowledged, acknowledgedLine, count] = [0, 0, from - 1, 0];
  let lifetimes: Promise<unknown>[] = [];
  const acknowledge = async () => {
    await open.flush();
    await Promise.all(lifetimes);
    lifetimes = [];
    [unacknowledged, acknowledgedLine] = [0, number];
  };
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
  });
  try {
    for await (const text of lines) {
      if (++number < from) continue;
      const line = parseLine(text, number);
      if (line?.kind !== 'attribute') continue;
      lifetimes.push(assign(open, line.attribute));
      progress(`importing ${++count} of ${total} …`);
      unacknowledged += text.length;
      if (unacknowledged >= MAX_UNACKNOWLEDGED || lifetimes.length >= 1000 || isInterrupted) await acknowledge();
      if (isInterrupted) throw new CommandError('interrupted', 130, 'ERR_INTERRUPTED');
    }
    await acknowledge();
  } catch (error) {
    const { message, code } = error as SyncedMemoryError;
    throw new CommandError(`${message}\ngo on with --from ${acknowledgedLine + 1}`, exitCodeOf(error), code);
  }
  return count;
}

function assign({ mem }: OpenMemory, { name, value, ttl }: Attribute): Promise<unknown> {
  mem[name] = value;
  const lifetime = ttl === undefined ? mem.$persist(name) : mem.$expire(name, ttl);
  // It is awaited with the others of its lines.
  lifetime.catch(() => {});
  return lifetime;
}
