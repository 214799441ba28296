import type { Change } from 'synced-memory';
import { writerName } from '../inspected-memory.js';
import { previewValue } from '../print-value.js';
import type { ChangeEntry, ChangesReply, ChangesRequest, ValuePath } from '../protocol.js';
import { pathText } from '../tree/find-value.js';
import { Ring } from './ring.js';

/** Number of changes that can be scrolled back to. */
const CAPACITY = 20_000;
/** The longest text of a value, before and after it is cut around the first difference. */
const MAX_PRINTED = 1000;
const MAX_TEXT = 240;
/** Characters that are kept before the first difference. */
const CONTEXT = 40;
/** The longest path whose keys are recorded one by one, in characters. */
const MAX_PATH = 1000;
/** The most entries of one answer. */
const MAX_COUNT = 500;

/** Records changes as short texts: the values themselves would keep what was replaced in memory. */
export class ChangeLog {
  readonly #ring = new Ring<ChangeEntry>(CAPACITY);

  get last(): number {
    return this.#ring.last;
  }

  add(change: Change): void {
    const writer = writerName(change);
    this.#ring.add((number) => ({
      number,
      time: Date.now(),
      path: boundedPath(change.path),
      kind: change.kind,
      ...textsOf(change),
      origin: change.origin,
      ...(change.revision !== undefined && { revision: change.revision.toString() }),
      ...(writer !== undefined && { writer }),
    }));
  }

  /** The newest entries that a page asks for. */
  find({ filter, before = Number.POSITIVE_INFINITY, count }: ChangesRequest): ChangesReply {
    const { oldest } = this.#ring;
    const changes: ChangeEntry[] = [];
    for (let number = Math.min(before - 1, this.last); number >= oldest; number--) {
      const entry = this.#ring.get(number) as ChangeEntry;
      if (filter === '' || pathText(entry.path).includes(filter) || entry.writer?.includes(filter)) changes.push(entry);
      if (changes.length >= Math.min(count, MAX_COUNT)) break;
    }
    return { changes, oldest };
  }
}

function boundedPath(path: ValuePath): ValuePath {
  return pathText(path).length <= MAX_PATH ? path : [`${pathText(path).slice(0, MAX_PATH)}…`];
}

function textsOf({ kind, value, oldValue }: Change): { before?: string; after?: string } {
  const hasBefore = kind !== 'reload' && oldValue !== undefined;
  const print = (each: unknown) => previewValue(each, MAX_PRINTED);
  const [before, after] = cutAround(hasBefore ? print(oldValue) : '', value === undefined ? '' : print(value));
  return { ...(hasBefore && { before }), ...(value !== undefined && { after }) };
}

/** Cuts two texts to the part around their first difference. */
function cutAround(one: string, other: string): [string, string] {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  const start = Math.max(one.length, other.length) <= MAX_TEXT ? 0 : Math.max(0, same - CONTEXT);
  const cut = (text: string) => {
    const part = text.slice(start, start + MAX_TEXT);
    return `${start > 0 ? '…' : ''}${part}${start + MAX_TEXT < text.length ? '…' : ''}`;
  };
  return [cut(one), cut(other)];
}
