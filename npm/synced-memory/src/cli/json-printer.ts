import { quoteString } from '../base/print-json.js';
import { CommandError } from './failure.js';
import { formatPath } from './path-syntax.js';
import { styled } from './terminal.js';

/** Gives the text of a number that JSON does not have: NaN, Infinity or -Infinity. */
type PrintNonFinite = (value: number, path: readonly (string | number)[]) => string;

const refuseNonFinite: PrintNonFinite = (value, path) => {
  throw new CommandError(`${formatPath(path)} is ${value}, which JSON cannot express`);
};

/** JSON text of a plain value on one line. Throws for NaN and Infinity, unless `nonFinite` gives their text. */
export function printCompact(
  value: unknown,
  path: readonly (string | number)[],
  nonFinite: PrintNonFinite = refuseNonFinite,
): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return nonFinite(value, path);
  if (typeof value !== 'object' || value === null) return scalar(value);
  const print = (each: unknown, key: string | number) => printCompact(each, [...path, key], nonFinite);
  if (Array.isArray(value)) return `[${value.map(print).join()}]`;
  const entries = Object.entries(value).map(([key, each]) => `${quoteString(key)}:${print(each, key)}`);
  return `{${entries.join()}}`;
}

/** The value for people: JSON over several lines, in colours on a terminal, and NaN and Infinity as such. */
export function printPretty(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return styled(colorOf(value), scalar(value));
  const deeper = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((element) => printPretty(element, deeper))
    : Object.entries(value).map(([key, each]) => `${styled('blue', quoteString(key))}: ${printPretty(each, deeper)}`);
  const [open, close] = isList ? '[]' : '{}';
  return parts.length === 0 ? `${open}${close}` : `${open}\n${deeper}${parts.join(`,\n${deeper}`)}\n${indent}${close}`;
}

/** The value on one line of at most so many characters. */
export function printShort(value: unknown, most: number): string {
  const whole = printSome(value, most);
  return whole.length > most ? `${whole.slice(0, most - 1)}…` : whole;
}

/** The beginning of the value's text: elements are printed until there are more than `most` characters. */
function printSome(value: unknown, most: number): string {
  if (typeof value !== 'object' || value === null) {
    return scalar(typeof value === 'string' ? value.slice(0, most) : value);
  }
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  for (const [key, each] of Object.entries(value)) {
    if (text.length > most) return text;
    if (text.length > 1) text += ',';
    text += `${isList ? '' : `${quoteString(key)}:`}${printSome(each, most - text.length)}`;
  }
  return text + (isList ? ']' : '}');
}

function scalar(value: unknown): string {
  if (typeof value === 'string')
    return quoteString(value).replace(/[\x7f-\x9f]/g, (found) => `\\u00${found.charCodeAt(0).toString(16)}`);
  return String(value);
}

function colorOf(value: unknown): 'green' | 'yellow' | 'dim' {
  if (typeof value === 'string') return 'green';
  return value === null ? 'dim' : 'yellow';
}
