import { optionsError } from '../base/errors.js';
import type { SessionJournal } from '../engine/engine.js';
import { checkPositive } from './check-arguments.js';

/** Options of a journal. */
export interface JournalOptions {
  /** The file, as a `file:` URL. It is created where it is absent. */
  url: string;
  /**
   * Whether every write waits until it is on the disk, so that it survives a power cut. Without that it survives the end of the
   * process, however that comes. Default: true.
   */
  fsync?: boolean;
  /**
   * About the most bytes that the file may take. Documents without pending mutations are dropped from it first; then mutations are
   * rejected with ERR_JOURNAL_FULL. Default: 256 MiB.
   */
  maxBytes?: number;
}

const journalOptionNames: readonly string[] = ['url', 'fsync', 'maxBytes'] satisfies (keyof JournalOptions)[];

/** Checks the option `journal` and fills in its defaults. Throws ERR_OPTIONS. */
export function resolveJournal(journal: string | JournalOptions | undefined): SessionJournal | undefined {
  if (journal === undefined) return undefined;
  const given: JournalOptions = typeof journal === 'string' ? { url: journal } : journal;
  if (typeof given !== 'object' || given === null) throw optionsError('journal must be a file: URL or an object');
  const unknown = Object.keys(given).find((key) => !journalOptionNames.includes(key));
  if (unknown !== undefined) {
    throw optionsError(`journal has no option ${unknown}; its options are ${journalOptionNames.join(', ')}`);
  }
  const { url, fsync = true, maxBytes = 256 * 1024 * 1024 } = given;
  if (typeof url !== 'string' || !/^file:./i.test(url)) {
    throw optionsError('journal must be a file: URL, such as file:.synced-memory/journal.db');
  }
  if (typeof fsync !== 'boolean') throw optionsError('journal.fsync must be true or false');
  return { url, fsync, maxBytes: checkPositive('journal.maxBytes', maxBytes) };
}

/**
 * The journal of a scope. One is never shared, and the mutations of a scope without one would be lost where those of its memory are
 * not: the caller has to choose. Throws ERR_OPTIONS.
 */
export function resolveScopeJournal(
  parent: SessionJournal | undefined,
  journal: string | JournalOptions | false | undefined,
): SessionJournal | undefined {
  if (journal === undefined && parent !== undefined) {
    throw optionsError(
      'the memory keeps a journal, and a scope needs one of its own: pass journal: "file:…" to $scope, or journal: false for none',
    );
  }
  return resolveJournal(journal === false ? undefined : journal);
}
