import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type CopiedValue, copyIn } from '../src/mirror/copy-in.js';
import { deepEqual } from '../src/mirror/deep-equal.js';
import { toPlain } from '../src/mirror/to-plain.js';
import { decodeCoreText } from '../src/sync/decode-core-text.js';
import { mirrorOf } from './support/mutation-log.js';

const take = (value: unknown): CopiedValue => copyIn(value, 'x', () => []);
const text = (value: unknown): string => take(value).text;

class Point {
  x = 1;
}
const cycle: Record<string, unknown> = { list: [] };
(cycle.list as unknown[]).push({ back: cycle });

describe('a value that is not JSON throws with its path', () => {
  const cases: [kind: string, value: unknown, message: string][] = [
    ['Date', { a: [0, { due: new Date(0) }] }, 'x.a[1].due: Date; assign due.toISOString()'],
    ['function', { f: () => 1 }, 'x.f: a function; assign data'],
    ['method', { f() {} }, 'x.f: a function; assign data'],
    ['symbol', [Symbol('s')], 'x[0]: a symbol; assign a string'],
    ['symbol key', { a: { [Symbol('s')]: 1 } }, 'x.a: Symbol(s) as a key; use a string'],
    ['Map', { m: new Map() }, 'x.m: Map; assign Object.fromEntries(m)'],
    ['Set', { 'odd key': new Set() }, 'x["odd key"]: Set; assign [...value]'],
    ['NaN', { n: Number.NaN }, 'x.n: NaN; assign null or a string'],
    ['Infinity', [[Number.NEGATIVE_INFINITY]], 'x[0][0]: -Infinity; assign null or a string'],
    [
      'undefined in an array',
      { a: [1, undefined] },
      'x.a[1]: undefined; assign null, or remove it with delete or splice',
    ],
    // biome-ignore lint/suspicious/noSparseArray: the case
    ['hole', { a: [1, , 3] }, 'x.a[1]: a hole in an array; assign null there, or filter it out'],
    ['class instance', { p: new Point() }, 'x.p: an instance of Point; assign a plain object such as {...p}'],
    ['inherited', Object.create({ a: 1 }), 'x: an instance of Object; assign a plain object such as {...x}'],
    ['array subclass', { l: new (class Stack extends Array {})() }, 'x.l: Stack, a subclass of Array; assign [...l]'],
    ['RegExp', { r: /a/ }, 'x.r: RegExp; assign r.source'],
    ['Error', { e: new TypeError('no') }, 'x.e: TypeError; assign e.message'],
    ['Promise', { p: Promise.resolve() }, 'x.p: Promise; assign await p'],
    ['boxed number', { n: Object(1) }, 'x.n: Number; assign n.valueOf()'],
    ['boxed string', { s: Object('a') }, 'x.s: String; assign s.valueOf()'],
    ['boxed boolean', { b: Object(true) }, 'x.b: Boolean; assign b.valueOf()'],
    ['boxed bigint', { b: Object(1n) }, 'x.b: BigInt; assign b.valueOf()'],
    ['typed array', { t: new Uint8Array(2) }, 'x.t: Uint8Array; assign Array.from(t)'],
    ['Buffer', { b: Buffer.from('a') }, "x.b: Buffer; assign b.toString('base64')"],
    ['WeakMap', { w: new WeakMap() }, 'x.w: WeakMap; assign the entries you need'],
    ['cycle', cycle, 'x.list[0].back: a cycle; JSON has only trees, assign an id instead'],
    ['Date of another realm', { d: runInNewContext('new Date(0)') }, 'x.d: Date; assign d.toISOString()'],
    ['undefined', undefined, 'x: undefined; assign null, or remove it with delete or splice'],
  ];
  test.each(cases)('%s', (_kind, value, message) => {
    expect(() => take(value)).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_SERIALIZABLE', message, attribute: 'x' }),
    );
  });

  test('the path is also an array', () => {
    const value = { a: [0, { due: new Date() }] };
    expect(() => copyIn(value, 'x', () => ['top', 3])).toThrow(
      expect.objectContaining({ path: ['top', 3, 'a', 1, 'due'] }),
    );
  });

  test('an error of a getter is thrown as it is', () => {
    const value = {
      get a(): never {
        throw new RangeError('mine');
      },
    };
    expect(() => take(value)).toThrow(new RangeError('mine'));
  });
});

describe('depth', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

  test('512 containers fit, 513 do not', () => {
    expect(text(nested(512))).toHaveLength(1024);
    expect(() => take(nested(513))).toThrow(expect.objectContaining({ code: 'ERR_TOO_DEEP' }));
  });

  test('the depth of the path is included', () => {
    const path = Array<number>(511).fill(0);
    expect(copyIn([], 'x', () => path).text).toBe('[]');
    expect(() => copyIn([[]], 'x', () => path)).toThrow(expect.objectContaining({ code: 'ERR_TOO_DEEP' }));
  });
});

describe('the copied value', () => {
  test('is a deep copy', () => {
    const original = { a: [1, { b: 'c' }] };
    const { value } = take(original);
    expect(value).toEqual(original);
    expect(value).not.toBe(original);
    expect((value as typeof original).a).not.toBe(original.a);
  });

  test('the same object twice becomes two', () => {
    const shared = { n: 1 };
    const { value } = take([shared, shared]);
    expect((value as unknown[])[0]).not.toBe((value as unknown[])[1]);
  });

  test('has no undefined properties', () => {
    expect(take({ a: undefined, b: 1 })).toEqual({ value: { b: 1 }, text: '{"b":1}' });
  });

  test('may come from getters, null prototypes and other realms', () => {
    const value = Object.assign(Object.create(null), { n: 1, other: runInNewContext('({a: [1, {}]})') });
    Object.defineProperty(value, 'got', { enumerable: true, get: () => [2] });
    expect(text(value)).toBe('{"n":1,"other":{"a":[1,{}]},"got":[2]}');
    expect(Object.getPrototypeOf(take(value).value)).toBe(Object.prototype);
  });

  test('has __proto__ and constructor as ordinary keys', () => {
    const { value, text } = take(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'));
    expect(text).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
  });

  test('has plain copies of synced values', () => {
    const { x, mirror } = mirrorOf({ a: [1] });
    const { value, text } = take({ inner: x });
    expect(text).toBe('{"inner":{"a":[1]}}');
    expect((value as { inner: unknown }).inner).not.toBe(mirror.attributes.x);
  });
});

describe('the text', () => {
  test.each([
    [-0, '0'],
    [1.5, '1.5'],
    [1e21, '1e+21'],
    [2 ** 53 - 1, '9007199254740991'],
    [2 ** 53, '9.007199254740992e+15'],
    [[-(2 ** 60), 'a'], '[-1.152921504606847e+18,"a"]'],
    [10n, '10'],
    [2n ** 64n, '18446744073709551616'],
    [{ 'a"b': [-(2n ** 53n)], s: 'é\u2028' }, '{"a\\"b":[-9007199254740992],"s":"é\u2028"}'],
    ['\ud800', '"\\ud800"'],
    ['a"\\\n\u0001', '"a\\"\\\\\\n\\u0001"'],
    ['\u007fé😀', '"\u007fé😀"'],
    [null, 'null'],
    [[true, false, null], '[true,false,null]'],
  ])('%o', (value, expected) => {
    expect(text(value)).toBe(expected);
  });

  test('has small BigInts as numbers, and -0 as 0', () => {
    expect(take([10n, -0]).value).toStrictEqual([10, 0]);
    expect(Object.is(take(-0).value, 0)).toBe(true);
    expect(take(5n).value).toBe(5);
  });
});

describe('decodeCoreText', () => {
  test('plain', () => {
    expect(decodeCoreText('=[["a",1]]')).toEqual([['a', 1]]);
  });

  test('tagged', () => {
    const tagged =
      '~["\\u0000n12345678901234567890","\\u0000nNaN","\\u0000n-Infinity","\\u0000s\\u0000x",1.0,"a",{"__proto__":"\\u0000n-9007199254740993"}]';
    const [big, nan, infinity, string, one, a, proto] = decodeCoreText(tagged) as unknown[];
    expect([big, nan, infinity, string, one, a]).toEqual([
      12345678901234567890n,
      Number.NaN,
      -Infinity,
      '\u0000x',
      1,
      'a',
    ]);
    expect(Object.getOwnPropertyDescriptor(proto, '__proto__')?.value).toBe(-9007199254740993n);
  });
});

test('toPlain copies synced values at any depth, and keeps other values', () => {
  const { x } = mirrorOf({ a: [{ b: 1 }] });
  const date = new Date();
  const plain = toPlain({ x, list: [x.a], date, n: 1 });
  expect(plain).toEqual({ x: { a: [{ b: 1 }] }, list: [[{ b: 1 }]], date, n: 1 });
  expect(plain.date).toBe(date);
  expect(structuredClone(plain.x)).toEqual({ a: [{ b: 1 }] });
  plain.x.a.push(2);
  expect(x.a).toHaveLength(1);
});

test('an integer of thousands of digits throws, in no time', () => {
  expect(text(10n ** 4299n - 1n)).toHaveLength(4299);
  for (const integer of [10n ** 4299n, -(10n ** 4299n), 1n << 50_000_000n]) {
    expect(() => take({ a: [integer] })).toThrow('x.a[0]: an integer of 4300 digits or more; assign a string');
  }
});

test.each([
  [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
  [[1, 2], [1, 2, 3], false],
  [[], {}, false],
  [{ a: 1 }, { b: 1 }, false],
  [1, true, false],
  [0, '0', false],
  [null, undefined, false],
  [5, 5n, true],
  [JSON.parse('{"__proto__":1}'), {}, false],
])('deepEqual(%o, %o) is %o', (left, right, equal) => {
  expect(deepEqual(left, right)).toBe(equal);
  if (typeof right !== 'bigint') expect(deepEqual(right, left)).toBe(equal);
});
