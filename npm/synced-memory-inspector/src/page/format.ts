import { formatPath } from '../../../synced-memory/dist/base/path.js';
import type { ValuePath } from '../protocol.js';

/** A path as people write it: `tasks[3].title`. */
export const pathText = ([name, ...path]: ValuePath): string => formatPath(String(name), path);

/** A path as a key of maps. */
export const pathKey = (path: ValuePath): string => JSON.stringify(path);

/** About so many bytes. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toPrecision(3)} kB`;
  return `${(bytes / 1e6).toPrecision(3)} MB`;
}

export const numberText = (value: number): string => value.toLocaleString('en');

const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0');

/** The time of day, with milliseconds. */
export function timeText(time: number): string {
  const date = new Date(time);
  const seconds = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${seconds}.${pad(date.getMilliseconds(), 3)}`;
}

/** A revision, which is a time in nanoseconds, as a time of day; with the date where that is another day. */
export function revisionText(revision: string): string {
  const time = Number(BigInt(revision) / 1_000_000n);
  if (!(time < 8.64e15)) return revision;
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return isToday ? timeText(time) : `${day} ${timeText(time).slice(0, 8)}`;
}

/** The time until an attribute expires. */
export function lifetimeText(expiresAt: number): string {
  const seconds = Math.max(0, Math.round((expiresAt - Date.now()) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** Where two texts begin to differ, and where they are the same again, counted from the end. */
export function differenceOf(one: string, other: string): { start: number; end: number } {
  const most = Math.min(one.length, other.length);
  let start = 0;
  while (start < most && one[start] === other[start]) start++;
  let end = 0;
  while (end < most - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  return { start, end };
}
