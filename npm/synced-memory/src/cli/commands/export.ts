import { closeSync, existsSync, openSync, renameSync, statSync, truncateSync, writeSync } from 'node:fs';
import type { Command } from '../command.js';
import { CommandError, EXIT, isSystemError } from '../failure.js';
import { note, progress } from '../terminal.js';
import { attributeLine, beginLine, endLine, parseLine, readLines } from '../transfer-format.js';
import { withMemory } from '../with-memory.js';

/** The most bytes that are gathered before they are written. */
const CHUNK = 1024 * 1024;

/** The number of lifetimes that are asked for at once. */
const TOGETHER = 500;

/** Writes every attribute as JSON Lines. */
export const exportCommand: Command = {
  name: 'export',
  usage: '[FILE]',
  arity: [0, 1],
  summary: 'write every attribute as JSON Lines',
  options: { resume: { type: 'boolean', summary: 'go on where an export to FILE stopped' } },
  details: [
    'Without FILE, to the standard output. FILE appears when it is whole; until then',
    'it is FILE.part, which --resume goes on with. A line has name, value and, where',
    'the attribute expires, ttl in seconds; the last line has their number. An',
    'attribute that JSON cannot express (NaN) or that cannot be read is left out: the',
    'exit code is 1 then, and each is named. Numbers are as JavaScript reads them:',
    '1.0 becomes 1.',
  ],

  async run(invocation) {
    const [file] = invocation.args;
    const isResumed = invocation.options.resume === true;
    if (isResumed && file === undefined) throw new CommandError('--resume needs FILE', EXIT.usage, 'ERR_USAGE');
    // A device or a pipe cannot be renamed.
    const isPlain = file !== undefined && (!existsSync(file) || statSync(file).isFile());
    const part = isPlain ? `${file}.part` : file;
    const written = isResumed && part !== undefined ? await writtenNames(part) : new Set<string>();
    return withMemory(invocation, {}, async ({ mem, unreadable }) => {
      const names = Object.keys(mem).sort();
      const failures = [...unreadable.values()].map(({ message }) => message);
      try {
        const out = new LineWriter(part, isResumed);
        if (!out.isResumed) await out.write(beginLine);
        let count = written.size;
        const lifetimes = new Map<string, number | undefined>();
        for (const [index, name] of names.entries()) {
          progress(`exporting ${index} of ${names.length} …`);
          if (index % TOGETHER === 0) {
            const next = names.slice(index, index + TOGETHER);
            for (const each of await Promise.all(next.map(async (one) => [one, await mem.$ttl(one)] as const))) {
              lifetimes.set(...each);
            }
          }
          if (written.has(name) || !(name in mem)) continue;
          const line = lineOf({ name, value: mem.$snapshot(name), ttl: lifetimes.get(name) }, failures);
          if (line === undefined) continue;
          await out.write(line);
          count++;
        }
        await out.write(endLine(count));
        await out.close();
        if (isPlain) renameSync(part as string, file as string);
        note(`exported ${count} attributes`);
      } catch (error) {
        throw isSystemError(error) ? writeFailure(error, file, isPlain) : error;
      }
      for (const failure of failures) note(`left out: ${failure}`);
      return failures.length > 0 ? EXIT.failed : EXIT.ok;
    });
  },
};

function lineOf(attribute: Parameters<typeof attributeLine>[0], failures: string[]): string | undefined {
  try {
    return attributeLine(attribute);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    failures.push(error.message);
    return undefined;
  }
}

function writeFailure({ message }: NodeJS.ErrnoException, file: string | undefined, isPlain: boolean): CommandError {
  const remedy =
    isPlain && existsSync(`${file}.part`)
      ? `; ${file}.part has what was written: make room, and run export ${file} --resume`
      : '';
  return new CommandError(`${file ?? 'the output'} cannot be written: ${message}${remedy}`);
}

/** The names in a part of an export, which is cut off after its last whole line. */
async function writtenNames(part: string): Promise<Set<string>> {
  const names = new Set<string>();
  if (!existsSync(part)) return names;
  let [number, length] = [0, 0];
  const { size } = statSync(part);
  for await (const text of readLines(part)) {
    const end = length + Buffer.byteLength(text) + 1;
    // The last line is whole only with its line break.
    if (end > size) break;
    const line = parseLine(text, ++number);
    if (line?.kind === 'end') break;
    if (line?.kind === 'attribute') names.add(line.attribute.name);
    length = end;
  }
  truncateSync(part, length);
  return names;
}

/** Gathers lines and writes them to a file or to the standard output. */
class LineWriter {
  readonly isResumed: boolean;
  readonly #file: number | undefined;
  #gathered = '';

  constructor(path: string | undefined, isResumed: boolean) {
    // An empty part has no first line yet.
    this.isResumed = isResumed && path !== undefined && existsSync(path) && statSync(path).size > 0;
    this.#file = path === undefined ? undefined : openSync(path, this.isResumed ? 'a' : 'w', 0o600);
  }

  async write(line: string): Promise<void> {
    this.#gathered += line;
    if (this.#gathered.length >= CHUNK) await this.#flush();
  }

  async close(): Promise<void> {
    await this.#flush();
    if (this.#file !== undefined) closeSync(this.#file);
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#gathered);
    this.#gathered = '';
    if (this.#file === undefined) {
      await new Promise<void>((resolve) => process.stdout.write(bytes, () => resolve()));
      return;
    }
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }
}
