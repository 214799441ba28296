// The record of a run: one entry for each operation of each process.
import { createHash } from 'node:crypto';

/**
 * A step of an operation on lists: append a value that is appended once in the whole run, or read the list.
 * @typedef {['append', string, string] | ['read', string]} Step
 */

/**
 * A read of a list, without the elements that the same transaction has appended. A read of a list of n elements is the version n
 * of the list; the digest identifies its elements, `end` are the last ones.
 * @typedef {{ list: string, version: number, digest: number, end: string[], missesOwn?: boolean }} Read
 */

/**
 * What a process does. `steps` belong to the kinds that append to and read lists.
 * @typedef {{ kind: 'transaction' | 'push' | 'batch', steps: Step[] }} ListOperation
 * @typedef {{ kind: 'transfer', from: string, to: string, amount: number, memo: number }
 *   | { kind: 'sum' }
 *   | { kind: 'local sum' }
 *   | { kind: 'claim', name: string, key: string }
 *   | { kind: 'seat', round: string }
 *   | { kind: 'log', name: string, item: string, number: number }
 *   | { kind: 'count', name: string, number: number }
 *   | { kind: 'increment', name: string }} OtherOperation
 * @typedef {ListOperation | OtherOperation} Operation
 */

/**
 * An operation with its outcome: `ok` is acknowledged, `failed` has changed nothing, `unknown` is either. `start` and `end` are
 * nanoseconds of a clock that all processes share; `end` is infinite where no end was recorded. `process` names one process and
 * one of its lanes, which do one operation at a time.
 * @typedef {{
 *   process: string, operation: Operation, start: number, end: number, outcome: 'ok' | 'failed' | 'unknown',
 *   reads: Read[], value?: unknown,
 * }} Entry
 */

const SEED = 0x811c9dc5;

/** Extends the digest of a list by one element. @param {number} digest @param {string} element */
export function extend(digest, element) {
  let mixed = digest;
  for (let at = 0; at < element.length; at++) mixed = Math.imul(mixed ^ element.charCodeAt(at), 0x01000193);
  return Math.imul(mixed ^ 0x9e3779b9, 0x01000193) >>> 0;
}

/** The digests of all versions of a list, the empty one first. @param {readonly string[]} elements */
export function digests(elements) {
  const all = [SEED];
  for (const element of elements) all.push(extend(all.at(-1) ?? SEED, element));
  return all;
}

/**
 * The read of a list by a transaction that has appended `own` to it before.
 * @param {string} list @param {readonly string[]} elements @param {readonly string[]} [own]
 * @returns {Read}
 */
export function readOf(list, elements, own = []) {
  const others = elements.slice(0, Math.max(0, elements.length - own.length));
  const missesOwn = own.some((element, index) => elements[others.length + index] !== element);
  const digest = digests(others).at(-1) ?? SEED;
  return { list, version: others.length, digest, end: others.slice(-3), ...(missesOwn ? { missesOwn } : {}) };
}

/** The values that an operation appends, by list. @param {Operation} operation @returns {Map<string, string[]>} */
export function appendsOf(operation) {
  const appends = new Map();
  if (!('steps' in operation)) return appends;
  for (const [act, list, value] of operation.steps) {
    if (act !== 'append') continue;
    const values = appends.get(list) ?? [];
    values.push(value);
    appends.set(list, values);
  }
  return appends;
}

/**
 * One text for each attribute of a memory, which is equal where the attributes are.
 * @param {Record<string, unknown>} state
 * @returns {Record<string, string>}
 */
export function fingerprints(state) {
  const names = Object.keys(state).sort();
  return Object.fromEntries(names.map((name) => [name, fingerprint(state[name])]));
}

/** @param {unknown} value */
function fingerprint(value) {
  return createHash('sha1').update(JSON.stringify(value)).digest('base64');
}

/** Problems of one kind that are shown. */
const SHOWN = 5;

/** The first problems of each kind, which is the text before the colon, and the number of the others. @param {string[]} problems */
export function summarize(problems) {
  /** @type {Map<string, string[]>} */
  const kinds = new Map();
  for (const problem of problems) {
    const kind = problem.slice(0, problem.indexOf(':'));
    kinds.set(kind, [...(kinds.get(kind) ?? []), problem]);
  }
  return [...kinds].flatMap(([kind, all]) =>
    all.length > SHOWN ? [...all.slice(0, SHOWN), `${kind}: and ${all.length - SHOWN} more`] : all,
  );
}
