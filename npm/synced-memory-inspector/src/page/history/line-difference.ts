/** Lines that are shown around a difference. */
const CONTEXT = 3;
/** The most different lines of one text that are shown. */
const MAX_LINES = 400;

/** The part of two texts in which they differ. */
export interface LineDifference {
  readonly before: readonly string[];
  readonly removed: readonly string[];
  readonly added: readonly string[];
  readonly after: readonly string[];
}

/** Compares two texts by lines: what is between their equal beginnings and ends is different. */
export function compareLines(one: string, other: string): LineDifference {
  const [old, now] = [one.split('\n'), other.split('\n')];
  const most = Math.min(old.length, now.length);
  let start = 0;
  while (start < most && old[start] === now[start]) start++;
  let end = 0;
  while (end < most - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  return {
    before: old.slice(Math.max(0, start - CONTEXT), start),
    removed: bounded(old.slice(start, old.length - end)),
    added: bounded(now.slice(start, now.length - end)),
    after: old.slice(old.length - end, Math.min(old.length, old.length - end + CONTEXT)),
  };
}

const bounded = (lines: string[]): string[] => (lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), '…'] : lines);
