import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { CommandError } from './failure.js';
import { pointAt } from './json-argument.js';
import { JsonSyntaxError, parseJson } from './json-parser.js';
import { printCompact } from './json-printer.js';

// The format of `export`: JSON Lines. The first line says what it is, each further one has an attribute, and the last one their
// number: without it, the file is truncated.

/** An exported attribute. */
export interface Attribute {
  readonly name: string;
  readonly value: unknown;
  /** Seconds until it expires; undefined if it does not. */
  readonly ttl?: number | undefined;
}

/** A line of an export. */
export type Line =
  | { readonly kind: 'begin' }
  | { readonly kind: 'attribute'; readonly attribute: Attribute }
  | { readonly kind: 'end'; readonly count: number };

/** The text of the first line. */
export const beginLine = `${JSON.stringify({ format: 'synced-memory', version: 1 })}\n`;

/** The text of an attribute's line. Throws where JSON cannot express the value. */
export function attributeLine({ name, value, ttl }: Attribute): string {
  const lifetime = ttl === undefined ? '' : `,"ttl":${ttl}`;
  return `{"name":${JSON.stringify(name)},"value":${printCompact(value, [name])}${lifetime}}\n`;
}

/** The text of the last line. */
export const endLine = (count: number): string => `{"end":${count}}\n`;

/** Parses a line; undefined for an empty one. Throws an error that names the line. */
export function parseLine(text: string, number: number): Line | undefined {
  if (text.trim() === '') return undefined;
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const isCut = error.offset >= text.length || error.message.includes('has no end');
    const what = isCut ? 'is cut off: the file is truncated' : 'is not JSON';
    throw new CommandError(`line ${number} ${what}: ${error.message}\n${pointAt(text, error.offset)}`);
  }
  const { format, version, name, value, ttl, end } = Object(parsed) as Record<string, unknown>;
  if (format === 'synced-memory' && version === 1) return { kind: 'begin' };
  if (format !== undefined) throw new CommandError(`line ${number}: this version does not read ${format} ${version}`);
  if (typeof end === 'number') return { kind: 'end', count: end };
  const isLifetime = ttl === undefined || (typeof ttl === 'number' && ttl > 0);
  if (typeof name === 'string' && value !== undefined && isLifetime) {
    return { kind: 'attribute', attribute: { name, value, ttl: ttl as number | undefined } };
  }
  throw new CommandError(`line ${number} is not an attribute: {"name": …, "value": …} is expected`);
}

/** The lines of a file, one after the other. */
export async function* readLines(file: string): AsyncGenerator<string> {
  const stream = createReadStream(file);
  await once(stream, 'open');
  yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
}
