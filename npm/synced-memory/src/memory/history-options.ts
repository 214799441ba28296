import { optionsError } from '../base/errors.js';
import type { RecordedHistory } from '../engine/engine.js';
import { checkAttributeName } from './attribute-name.js';

/** Options of histories. */
export interface HistoryOptions {
  /** The most commits that are kept of an attribute, from 2 to 10,000. A server may keep about a hundred more. */
  max: number;
  /** Names of the attributes whose history is recorded. Default: all. */
  names?: readonly string[];
}

const historyOptionNames: readonly string[] = ['max', 'names'] satisfies (keyof HistoryOptions)[];

/** The most entries that a history can have. */
export const maxHistoryEntries = 10_000;

/** The option that gives these settings. */
export function historyOptions({ maxEntries, names }: RecordedHistory): HistoryOptions {
  return { max: maxEntries, ...(names && { names }) };
}

/** Checks the option `history`. Throws ERR_OPTIONS. */
export function resolveHistory(history: HistoryOptions | undefined): RecordedHistory | undefined {
  if (history === undefined) return undefined;
  if (typeof history !== 'object' || history === null) throw optionsError('history must be an object: { max: 1000 }');
  const unknown = Object.keys(history).find((key) => !historyOptionNames.includes(key));
  if (unknown !== undefined) {
    throw optionsError(`history has no option ${unknown}; its options are ${historyOptionNames.join(' and ')}`);
  }
  const { max, names } = history;
  if (!Number.isSafeInteger(max) || max < 2 || max > maxHistoryEntries) {
    throw optionsError(`history.max must be a whole number from 2 to ${maxHistoryEntries}`);
  }
  if (names !== undefined && !Array.isArray(names)) {
    throw optionsError('history.names must be an array of attribute names');
  }
  names?.forEach(checkAttributeName);
  return { maxEntries: max, names };
}
