import assert from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { SyncedDict, SyncedList } from '../src/entry/common-exports.js';
import { toPlain } from '../src/mirror/to-plain.js';
import { mirrorOf } from './support/mutation-log.js';

const plain = { list: [1, 'a', null, { deep: [true, []] }], n: 1.5, dict: { k: { v: 1 } }, empty: {} };

describe('a synced value behaves like a plain one', () => {
  const { x, mirror } = mirrorOf(plain);

  test('identity', () => {
    expect(mirror.get('x')).toBe(x);
    expect(x.list).toBe(x.list);
    expect(x.list[3]).toBe(x.list.at(3));
    expect(x.list[3]).toBe([...x.list][3]);
    expect(Object.values(x)[0]).toBe(x.list);
    expect(Object.entries(x)[2]?.[1]).toBe(x.dict);
  });

  test('prototypes', () => {
    expect(Array.isArray(x.list)).toBe(true);
    expect(Object.getPrototypeOf(x.list)).toBe(Array.prototype);
    expect(Object.getPrototypeOf(x)).toBe(Object.prototype);
    expect(x.constructor).toBe(Object);
    expect(x.list.constructor).toBe(Array);
    expect(Object.prototype.toString.call(x)).toBe('[object Object]');
    expect(Object.prototype.toString.call(x.list)).toBe('[object Array]');
    expect(`${x.list.slice(0, 2)} ${x}`).toBe('1,a [object Object]');
  });

  test('equality', () => {
    assert.deepStrictEqual(x, plain);
    assert.deepStrictEqual(plain, x);
    assert.deepEqual(x.list, plain.list);
    assert.notDeepStrictEqual(x, { ...plain, n: 2 });
    expect(isDeepStrictEqual(x, plain)).toBe(true);
    expect(x).toEqual(plain);
    expect(plain).toEqual(x);
    expect(x).toStrictEqual(plain);
    expect(x.list).toStrictEqual(plain.list);
    expect(x).toMatchObject({ dict: { k: {} } });
    expect(x).not.toEqual({ ...plain, n: 2 });
    expect(x).toMatchInlineSnapshot(`
      {
        "dict": {
          "k": {
            "v": 1,
          },
        },
        "empty": {},
        "list": [
          1,
          "a",
          null,
          {
            "deep": [
              true,
              [],
            ],
          },
        ],
        "n": 1.5,
      }
    `);
  });

  test('JSON and inspect', () => {
    expect(JSON.stringify(x)).toBe(JSON.stringify(plain));
    expect(JSON.stringify([x.list], null, 2)).toBe(JSON.stringify([plain.list], null, 2));
    expect(inspect(x, { depth: 9 })).toBe(inspect(plain, { depth: 9 }));
    expect(inspect(x.list)).toBe(inspect(plain.list));
  });

  test('copies', () => {
    expect({ ...x }).toEqual(plain);
    expect([...x.list]).toEqual(plain.list);
    const { list, ...rest } = x;
    expect(rest).toEqual({ n: 1.5, dict: plain.dict, empty: {} });
    expect([0].concat(x.list)).toHaveLength(5);
    expect([x.list].flat()).toEqual(plain.list);
    expect(structuredClone(toPlain(x))).toEqual(plain);
    expect(list.map(String)).toEqual(plain.list.map(String));
  });

  test('reflection never returns raw containers', () => {
    const raw = mirror.attributes.x as typeof plain;
    expect(Object.getOwnPropertyDescriptor(x, 'dict')).toEqual({
      value: x.dict,
      writable: true,
      enumerable: true,
      configurable: true,
    });
    expect(Object.getOwnPropertyDescriptor(x, 'dict')?.value).toBe(x.dict);
    expect(Object.getOwnPropertyDescriptors(x.list)[3]?.value).toBe(x.list[3]);
    expect(Object.getOwnPropertyDescriptor(x.list, 'length')).toEqual(
      Object.getOwnPropertyDescriptor(plain.list, 'length'),
    );
    expect(Reflect.get(x, 'dict')).not.toBe(raw.dict);
    expect(Reflect.ownKeys(x)).toEqual(Reflect.ownKeys(plain));
    expect(Reflect.ownKeys(x.list)).toEqual(Reflect.ownKeys(plain.list));
    expect(x.list.find((value: unknown) => typeof value === 'object' && value !== null)).not.toBe(raw.list[3]);
    for (const key in x) expect(Object.hasOwn(x, key)).toBe(true);
  });

  test('await returns the same proxy', async () => {
    expect(await x).toBe(x);
    expect(await x.list).toBe(x.list);
  });
});

test('instanceof and assignment work across two copies of the package', async () => {
  vi.resetModules();
  const other = await import('../src/entry/common-exports.js');
  const { x, mirror, log } = mirrorOf({ list: [{ n: 1 }] });
  expect(other.SyncedList).not.toBe(SyncedList);
  expect(x instanceof other.SyncedDict && x.list instanceof other.SyncedList).toBe(true);
  expect(x instanceof SyncedDict && x.list instanceof SyncedList).toBe(true);
  const { Mirror } = await import('../src/mirror/mirror.js');
  const theirs = new Mirror(log);
  theirs.assign('y', x.list);
  expect(theirs.get('y')).toEqual([{ n: 1 }]);
  mirror.assign('x', theirs.get('y'));
  expect(mirror.get('x')).toEqual([{ n: 1 }]);
});
