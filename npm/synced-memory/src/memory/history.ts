import { optionsError } from '../base/errors.js';
import type { ChangeWriter } from '../changes/describe-change.js';
import { maxHistoryEntries } from './history-options.js';

/** Options of `$history`. */
export interface HistoryQuery {
  /** The most entries to read, the newest ones. Default: all. */
  last?: number;
  /** Only entries of revisions above this one, or from this time on, by the server's clock. */
  since?: bigint | Date;
}

/** The newest entries of an attribute's history. */
export interface History {
  /** The entries, the newest first. */
  entries: HistoryEntry[];
  /** Number of entries that were skipped, because they are none of this library. */
  malformed: number;
}

/** One commit in a history. */
export interface HistoryEntry {
  /** The revision that the commit made; 0n where it deleted the attribute. */
  revision: bigint;
  /** The revision that it was built on; 0n where there was no attribute. */
  base: bigint;
  /** The writer; undefined for a program that is none of this library, whose change another process has noticed. */
  writer: ChangeWriter | undefined;
  /** When the server added the entry, by its clock. */
  time: Date;
  /** The mutations of the commit; undefined where they were too long to be recorded. */
  mutations: HistoryMutation[] | undefined;
  /** True if what came between the entry before this one and this one was not recorded. */
  isAfterGap: boolean;
}

/** One change in a history. `path` begins with the attribute's name and leads to what changed. */
export type HistoryMutation =
  /** The value was assigned. */
  | { kind: 'set'; path: (string | number)[]; value: unknown }
  /** The attribute or the key was deleted. */
  | { kind: 'delete'; path: (string | number)[] }
  /** The dict was emptied. */
  | { kind: 'clear'; path: (string | number)[] }
  /** Values were added at the end of the list. */
  | { kind: 'append'; path: (string | number)[]; values: unknown[] }
  /** `removed` elements of the list were replaced by values. */
  | { kind: 'splice'; path: (string | number)[]; index: number; removed: number; values: unknown[] }
  /** The list was reordered: element `i` is the one that was at `order[i]`. */
  | { kind: 'permute'; path: (string | number)[]; order: number[] }
  /** The number was increased. */
  | { kind: 'increment'; path: (string | number)[]; by: number | bigint };

/** An entry as the core gives it. */
type CoreEntry = [
  ms: number,
  revision: string,
  base: string,
  writer: [id: string, label?: string] | null,
  hasText: boolean,
  mutations: unknown[][] | null,
];

/** Returns the number of entries to ask the core for: one more tells whether there is a gap. Throws ERR_OPTIONS. */
export function historyLimit({ last, since }: HistoryQuery): number {
  if (since !== undefined && typeof since !== 'bigint' && !(since instanceof Date)) {
    throw optionsError('since must be a revision (a bigint) or a Date');
  }
  if (last === undefined) return maxHistoryEntries;
  if (!Number.isSafeInteger(last) || last < 1) throw optionsError('last must be a whole number, 1 or more');
  return Math.min(last + 1, maxHistoryEntries);
}

/** Throws ERR_OPTIONS if it is not a revision. */
export function checkRevision(revision: unknown): void {
  if (typeof revision === 'bigint' && revision >= 0n && revision < 1n << 64n) return;
  throw optionsError('a revision is a bigint, as $history and $lastModified give it');
}

/** Freezes a plain value and all that is in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/** The history of an attribute from what the core has read. */
export function toHistory(name: string, result: readonly unknown[], { last, since }: HistoryQuery): History {
  const [malformed, ...read] = result as [number, ...CoreEntry[]];
  const entries = read.map((entry, index) => toEntry(name, entry, read[index + 1]));
  const wanted = entries.slice(0, last).filter((entry) => isSince(entry, since));
  return { entries: wanted, malformed };
}

function toEntry(name: string, [ms, revision, base, writer, , mutations]: CoreEntry, before?: CoreEntry): HistoryEntry {
  return {
    revision: BigInt(revision),
    base: BigInt(base),
    writer: toWriter(writer),
    time: new Date(ms),
    mutations: mutations?.map((mutation) => toMutation(name, mutation)),
    isAfterGap: before !== undefined && before[1] !== base,
  };
}

function toWriter(writer: CoreEntry[3]): ChangeWriter | undefined {
  if (writer === null) return undefined;
  const [id, label] = writer;
  return label === undefined ? { id } : { id, label };
}

function isSince({ revision, base, time }: HistoryEntry, since: bigint | Date | undefined): boolean {
  if (since === undefined) return true;
  if (since instanceof Date) return time >= since;
  // A deletion has no revision of its own.
  return revision > since || base >= since;
}

/** A mutation from its text, as crates/core/src/codec describes it. */
function toMutation(name: string, [kind, , ...args]: unknown[]): HistoryMutation {
  if (kind === 'assign' || kind === 'create') return { kind: 'set', path: [name], value: args[0] };
  const path = [name, ...((args[0] ?? []) as (string | number)[])];
  const key = args[1] as string | number;
  switch (kind) {
    case 'set':
    case 'replace':
      return { kind: 'set', path: [...path, key], value: args[2] };
    case 'unset':
      return { kind: 'delete', path: [...path, key] };
    case 'clear':
      return { kind, path };
    case 'append':
      return { kind, path, values: args[1] as unknown[] };
    case 'splice':
      return { kind, path, index: args[1] as number, removed: args[2] as number, values: args[3] as unknown[] };
    case 'permute':
      return { kind, path, order: args[1] as number[] };
    case 'increment':
      return { kind, path, by: args[1] as number | bigint };
    default:
      return { kind: 'delete', path };
  }
}
