import { usageError } from './failure.js';
import { JsonSyntaxError, parseJson } from './json-parser.js';

/** The most characters of a text that an error shows on each side of the mistake. */
const CONTEXT = 30;

/** Parses a JSON argument. Throws a usage error that says what is wrong and where. */
export function parseJsonArgument(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    // A single word was most likely meant as a text.
    const isWord = /^[\p{L}][^{}[\]":]*$/u.test(text) && error.offset === 0;
    const hint = isWord ? `; for a text, write '${JSON.stringify(text)}'` : '';
    throw usageError(`the value is not JSON: ${error.message}${hint}\n${pointAt(text, error.offset)}`);
  }
}

/** Two lines that show the part of a text around a position, and a mark below it. */
export function pointAt(text: string, offset: number): string {
  const start = Math.max(0, offset - CONTEXT);
  const [before, after] = [text.slice(start, offset), text.slice(offset, offset + CONTEXT)].map((part) =>
    part.replace(/\p{Cc}/gu, ' '),
  );
  const [head, tail] = [start > 0 ? '…' : '', offset + CONTEXT < text.length ? '…' : ''];
  return `  ${head}${before}${after}${tail}\n  ${' '.repeat(head.length + (before?.length ?? 0))}^`;
}
