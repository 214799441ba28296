import { isDeepStrictEqual } from 'node:util';
import { type Change, SyncedDict, SyncedList } from 'synced-memory';
import { expect } from 'vitest';
import type { Any } from './work.js';

/** A memory and the record of its change events. */
export interface Watched {
  memory: Any;
  /** A copy maintained from change events. */
  state: Any;
  /** Change events whose old value differs from the copy. */
  wrong: unknown[];
  /** Changes of the iterator that differ from those of the listener; complete when `ended` resolves. */
  ended: Promise<unknown>;
}

/** Checks that all memories have the document `stored`, as `JSON.parse` reads it, through every way to read it. */
export function expectSame(all: readonly Watched[], name: string, stored: unknown): void {
  for (const { memory, state, wrong } of all) {
    const snapshot = memory.$snapshot(name);
    expect(print(snapshot)).toBe(print(all[0]?.memory.$snapshot(name)));
    expect(print(memory[name])).toBe(print(snapshot));
    expect(rounded(snapshot)).toEqual(rounded(stored));
    expect(memory.$lastModified(name)).toBe(all[0]?.memory.$lastModified(name));
    expect(isDeepStrictEqual(state[name], snapshot)).toBe(true);
    expectProxies(memory[name]);
    expect(wrong).toEqual([]);
  }
}

export function watch(memory: Any): Watched {
  const state = structuredClone(memory.$snapshot());
  const wrong: unknown[] = [];
  const told: Change[] = [];
  const read = async () => {
    for await (const change of memory.$changes()) if (told.shift() !== change) wrong.push({ read: change });
    if (told.length > 0) wrong.push({ unread: told });
  };
  memory.$on('change', (change: Change) => {
    told.push(change);
    const { kind, path, value, oldValue } = change;
    const above = [...path];
    const key = above.pop() as string | number;
    let at = state;
    for (const each of above) at = at[each];
    const count = kind === 'splice' ? (oldValue as unknown[]).length : 0;
    const found = kind === 'splice' ? at.slice(key, Number(key) + count) : own(at, key);
    if (!isDeepStrictEqual(found, oldValue)) wrong.push({ found, change });
    if (kind === 'splice') at.splice(key, count, ...structuredClone(value as unknown[]));
    else if (kind === 'delete') delete at[key];
    else {
      const copy = structuredClone(value);
      Object.defineProperty(at, key, { value: copy, writable: true, enumerable: true, configurable: true });
    }
  });
  return { memory, state, wrong, ended: read() };
}

function own(at: object, key: string | number): unknown {
  return Object.getOwnPropertyDescriptor(at, key)?.value;
}

/** The value as text, which shows the order of keys. */
export function print(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each)) ?? '';
}

/** The value as `JSON.parse` reads it: large integers are rounded. */
function rounded(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? Number(each) : each)));
}

/** Checks that every way to reach a list or dict returns the same object. */
function expectProxies(value: Any): void {
  if (typeof value !== 'object' || value === null) return;
  expect(value).toBeInstanceOf(Array.isArray(value) ? SyncedList : SyncedDict);
  for (const key of Object.keys(value)) {
    const inner = own(value, key);
    expect(own(value, key)).toBe(inner);
    expectProxies(inner);
  }
}
