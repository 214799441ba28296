import { describe, expectTypeOf, test } from 'vitest';
import {
  asDict,
  asList,
  pop,
  SyncedDict,
  SyncedList,
  setdefault,
  synced,
  toPlain,
} from '../src/entry/common-exports.js';

declare const strings: string[];
declare const config: { theme: string; lang?: string; clear?: number };
declare const counts: Record<string, number>;

describe('SyncedList', () => {
  test('is an array with Python methods', () => {
    const list = synced(strings);
    expectTypeOf(list).toEqualTypeOf<SyncedList<string>>();
    expectTypeOf(list).toExtend<string[]>();
    expectTypeOf(list.pop()).toEqualTypeOf<string | undefined>();
    expectTypeOf(list.pop(0)).toEqualTypeOf<string | undefined>();
    expectTypeOf(list.append).parameters.toEqualTypeOf<[string]>();
    expectTypeOf(list.extend).parameters.toEqualTypeOf<[Iterable<string>]>();
    expectTypeOf(list.asList()).toEqualTypeOf<string[]>();
    expectTypeOf(list[0]).toEqualTypeOf<string | undefined>();
    // @ts-expect-error: not a string
    list.append(1);
  });

  test('instanceof narrows', () => {
    const value: unknown = strings;
    if (value instanceof SyncedList) expectTypeOf(value).toEqualTypeOf<SyncedList>();
    if (value instanceof SyncedDict) expectTypeOf(value).toEqualTypeOf<SyncedDict>();
  });
});

describe('SyncedDict', () => {
  test('has its keys, and the Python methods that no key hides', () => {
    const dict = synced(config);
    expectTypeOf(dict.theme).toEqualTypeOf<string>();
    expectTypeOf(dict.clear).toEqualTypeOf<number | undefined>();
    expectTypeOf(dict.pop('theme')).toEqualTypeOf<string>();
    expectTypeOf(dict.pop('lang', null)).toEqualTypeOf<string | null>();
    expectTypeOf(dict.setdefault('lang', 'en')).toEqualTypeOf<string>();
    expectTypeOf(dict.asDict()).toEqualTypeOf<typeof config>();
    dict.update({ theme: 'dark' });
    // @ts-expect-error: not a key
    dict.pop('nope');
    // @ts-expect-error: not a string
    dict.update({ theme: 1 });
  });

  test('an index signature hides no method', () => {
    const dict = synced(counts);
    dict.update({ a: 1 });
    expectTypeOf(dict.clear).toEqualTypeOf<() => void>();
    expectTypeOf(dict.popitem()).toEqualTypeOf<[key: string, value: number]>();
    expectTypeOf(dict.setdefault('n', 0)).toEqualTypeOf<number>();
  });
});

test('functions', () => {
  expectTypeOf(asList(strings)).toEqualTypeOf<string[]>();
  expectTypeOf(asDict(config)).toEqualTypeOf<typeof config>();
  expectTypeOf(toPlain(strings)).toEqualTypeOf<string[]>();
  expectTypeOf(pop(strings, 1)).toEqualTypeOf<string | undefined>();
  expectTypeOf(pop(config, 'theme')).toEqualTypeOf<string>();
  expectTypeOf(setdefault(config, 'lang', 'en')).toEqualTypeOf<string>();
});
