// biome-ignore-all lint/suspicious/noAssignInExpressions: the tests are about such expressions
// biome-ignore-all lint/suspicious/noProto: the tests are about such expressions
import { describe, expect, test } from 'vitest';
import {
  append,
  clear,
  extend,
  insert,
  pop,
  remove,
  SyncedDict,
  SyncedList,
  synced,
} from '../src/entry/common-exports.js';
import { mirrorOf } from './support/mutation-log.js';

describe('one method call is one mutation', () => {
  // biome-ignore lint/suspicious/noExplicitAny: tests do what TypeScript would refuse
  const cases: [name: string, act: (x: any) => unknown, texts: string[]][] = [
    ['push', (x) => x.push(5, [6]), ['["append","x",[],[5,[6]]]']],
    ['push nothing', (x) => x.push(), []],
    ['pop', (x) => x.pop(), ['["splice","x",[],3,1,[]]']],
    ['pop(index)', (x) => x.pop(-3), ['["splice","x",[],1,1,[]]']],
    ['shift', (x) => x.shift(), ['["splice","x",[],0,1,[]]']],
    ['unshift', (x) => x.unshift(0, 9), ['["splice","x",[],0,0,[0,9]]']],
    ['splice', (x) => x.splice(1, 2, 'a'), ['["splice","x",[],1,2,["a"]]']],
    ['splice to the end', (x) => x.splice(-1), ['["splice","x",[],3,1,[]]']],
    ['splice of nothing', (x) => x.splice(), []],
    ['splice at the end', (x) => x.splice(4, 0, 'a'), ['["append","x",[],["a"]]']],
    ['sort', (x) => x.sort(), ['["permute","x",[],[1,3,2,0]]']],
    ['sort with a callback', (x) => x.sort((a: number, b: number) => b - a), ['["permute","x",[],[0,2,3,1]]']],
    ['reverse', (x) => x.reverse(), ['["permute","x",[],[3,2,1,0]]']],
    ['fill', (x) => x.fill({}, 1, 3), ['["splice","x",[],1,2,[{},{}]]']],
    ['fill nothing', (x) => x.fill(0, 3, 1), []],
    ['copyWithin', (x) => x.copyWithin(0, 2), ['["splice","x",[],0,2,[3,2]]']],
    ['index', (x) => (x[1] = null), ['["replace","x",[],1,null]']],
    ['index at the end', (x) => (x[4] = null), ['["append","x",[],[null]]']],
    ['length', (x) => (x.length = 1), ['["splice","x",[],1,3,[]]']],
    ['same length', (x) => (x.length = 4), []],
    ['delete of the last', (x) => delete x[3], ['["splice","x",[],3,1,[]]']],
    ['delete past the end', (x) => delete x[9], []],
    ['swap', (x) => ([x[0], x[1]] = [x[1], x[0]]), ['["replace","x",[],0,1]', '["replace","x",[],1,4]']],
    ['Reflect.set', (x) => Reflect.set(x, '0', 7), ['["replace","x",[],0,7]']],
    ['Object.assign', (x) => Object.assign(x, [7]), ['["replace","x",[],0,7]']],
    ['append', (x) => x.append([1]), ['["append","x",[],[[1]]]']],
    ['extend', (x) => x.extend(new Set(['a', 'b'])), ['["append","x",[],["a","b"]]']],
    ['insert', (x) => x.insert(-1, 'a'), ['["splice","x",[],3,0,["a"]]']],
    ['insert at an index far below 0', (x) => x.insert(-99, 'a'), ['["splice","x",[],0,0,["a"]]']],
    ['insert at an index far past the end', (x) => x.insert(99, 'a'), ['["append","x",[],["a"]]']],
    ['remove', (x) => x.remove(3), ['["splice","x",[],2,1,[]]']],
    ['clear', (x) => x.clear(), ['["splice","x",[],0,4,[]]']],
    ['append()', (x) => append(x, 1), ['["append","x",[],[1]]']],
    ['extend()', (x) => extend(x, [1, 2]), ['["append","x",[],[1,2]]']],
    ['insert()', (x) => insert(x, 1, 'a'), ['["splice","x",[],1,0,["a"]]']],
    ['remove()', (x) => remove(x, 2), ['["splice","x",[],3,1,[]]']],
    ['pop()', (x) => pop(x), ['["splice","x",[],3,1,[]]']],
    ['pop(0)', (x) => pop(x, 0), ['["splice","x",[],0,1,[]]']],
    ['clear()', (x) => clear(x), ['["splice","x",[],0,4,[]]']],
  ];
  test.each(cases)('%s', (_name, act, texts) => {
    const { x, log } = mirrorOf([4, 1, 3, 2]);
    act(x);
    expect(log.take()).toEqual(texts);
  });

  test('a mutation has the path of its list', () => {
    const { x, log } = mirrorOf([{ 'a "b"': [[1]] }]);
    x[0]['a "b"'][0].push(2);
    expect(log.take()).toEqual(['["append","x",[0,"a \\"b\\"",0],[2]]']);
  });
});

describe('return values', () => {
  test('are those of the array methods', () => {
    const { x } = mirrorOf([4, 1, { a: 3 }]);
    expect(x.push(5)).toBe(4);
    expect(x.pop()).toBe(5);
    expect(x.unshift(9)).toBe(4);
    expect(x.shift()).toBe(9);
    expect(x.splice(0, 1)).toEqual([4]);
    expect(x.sort()).toBe(x);
    expect(x.reverse()).toBe(x);
    expect(x.fill(0)).toBe(x);
    expect(x.copyWithin(0, 1)).toBe(x);
    expect(x.append(1)).toBeUndefined();
    expect(x.push()).toBe(3);
    x.clear();
    expect([x.pop(), x.shift(), x.length]).toEqual([undefined, undefined, 0]);
  });

  test('removed elements are plain values and no longer sync', () => {
    const { x, log } = mirrorOf([{ a: [1] }, { b: 1 }]);
    const held = x[0];
    const removed = x.shift();
    expect(removed).toEqual({ a: [1] });
    expect(removed).not.toBeInstanceOf(SyncedDict);
    log.take();
    removed.a.push(2);
    expect(log.take()).toEqual([]);
    expect(() => held.a.push(3)).toThrow(expect.objectContaining({ code: 'ERR_DETACHED' }));
  });
});

describe('reading', () => {
  const { x } = mirrorOf([{ n: 1 }, { n: 2 }, 3]);

  test('returns elements as proxies', () => {
    for (const list of [
      [...x],
      [...x.values()],
      [...x.entries()].map(([, value]) => value),
      x.slice(),
      x.map((value: unknown) => value),
      x.filter(() => true),
      x.flatMap((value: unknown) => [value]),
      x.concat(),
      Array.from(x),
      x.toReversed().reverse(),
      [x.at(0), x.find((value: { n?: number }) => value.n === 2), x.at(-1)],
    ]) {
      expect(list).toHaveLength(3);
      expect(list[0]).toBe(x[0]);
      expect(list[1]).toBe(x[1]);
      expect(list).not.toBeInstanceOf(SyncedList);
    }
    const seen: unknown[] = [];
    x.forEach(function (this: unknown, value: unknown, index: number, list: unknown) {
      seen.push(this, value, index, list);
    }, 'self');
    expect(seen[1]).toBe(x[0]);
    expect(seen.slice(2, 4)).toEqual([0, x]);
    expect(x.reduce((sum: number, value: { n?: number }) => sum + (value.n ?? 0), 0)).toBe(3);
  });

  test('searches for proxies', () => {
    expect(x.includes(x[1])).toBe(true);
    expect(x.indexOf(x[1])).toBe(1);
    expect(x.lastIndexOf(x[1])).toBe(1);
    expect(x.indexOf(3, -1)).toBe(2);
    expect(x.includes({ n: 1 })).toBe(false);
    expect(x.findIndex((value: unknown) => value === 3)).toBe(2);
  });

  test('iterators include elements added meanwhile, and stay at their end', () => {
    const { x } = mirrorOf([1, 2]);
    const iterator = x[Symbol.iterator]();
    expect(Object.prototype.toString.call(iterator)).toBe('[object Array Iterator]');
    expect(iterator[Symbol.iterator]()).toBe(iterator);
    iterator.next();
    x.push(3);
    expect([...iterator]).toEqual([2, 3]);
    x.push(4);
    expect(iterator.next()).toEqual({ value: undefined, done: true });
    expect([...x.keys()]).toEqual([0, 1, 2, 3]);
    expect([...x.entries()][3]).toEqual([3, 4]);
  });

  test('sort compares proxies and keeps references live', () => {
    const { x, log } = mirrorOf([{ n: 2 }, { n: 1 }]);
    const held = x[0];
    x.sort((a: { n: number }, b: { n: number }) => {
      expect(a).toBeInstanceOf(SyncedDict);
      return a.n - b.n;
    });
    expect(x[1]).toBe(held);
    log.take();
    held.n = 3;
    expect(log.take()).toEqual(['["set","x",[1],"n",3]']);
    x.sort((a: { n: number }, b: { n: number }) => a.n - b.n);
    expect(log.take()).toEqual([]);
  });

  test('a held element follows insertions before it', () => {
    const { x, log } = mirrorOf([[0]]);
    const held = x[0];
    x.unshift('a', 'b');
    log.take();
    held.push(1);
    expect(log.take()).toEqual(['["append","x",[2],[1]]']);
  });
});

describe('the generic methods of Array.prototype', () => {
  test.each([
    ['push', [7, 8]],
    ['pop', []],
    ['shift', []],
    ['unshift', [9]],
    ['reverse', []],
    ['sort', []],
    ['fill', [0, 1]],
    ['copyWithin', [0, 1]],
    ['splice', [1, 1]],
    ['splice', [1, 0, 'a']],
    ['splice', [0, 3, 'a']],
  ])('%s.call', (name, args) => {
    const { x } = mirrorOf([3, 1, 2]);
    const oracle = [3, 1, 2];
    const native = Array.prototype[name as 'push'] as (...args: unknown[]) => unknown;
    expect(native.call(x, ...args)).toEqual(native.call(oracle, ...args));
    expect(x).toEqual(oracle);
  });

  test('a method that would leave a hole for a moment throws and changes nothing', () => {
    const { x, log } = mirrorOf([1, 2]);
    expect(() => Array.prototype.unshift.call(x, 8, 9)).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_SERIALIZABLE' }),
    );
    expect(log.take()).toEqual([]);
    expect(x).toEqual([1, 2]);
  });

  test('the methods of a list work on an ordinary array', () => {
    const { x } = mirrorOf([1]);
    const plain = [1];
    x.push.call(plain, 2);
    expect(plain).toEqual([1, 2]);
    expect(x.push).toBe(x.push);
    expect([x.push.name, x.push.length, x.splice.length]).toEqual(['push', 1, 2]);
    expect(() => x.append.call(plain, 2)).toThrow(expect.objectContaining({ code: 'ERR_NOT_SUPPORTED' }));
  });
});

describe('a mutation that cannot sync throws and changes nothing', () => {
  // biome-ignore lint/suspicious/noExplicitAny: tests do what TypeScript would refuse
  const cases: [name: string, act: (x: any) => unknown, code: string, message: RegExp][] = [
    ['past the end', (x) => (x[5] = 1), 'ERR_NOT_SERIALIZABLE', /^x\[5\]: is past the end of a list of 2 .* use push/],
    ['growing length', (x) => (x.length = 5), 'ERR_NOT_SERIALIZABLE', /length is 2 .* push the elements/],
    ['delete inside', (x) => delete x[0], 'ERR_NOT_SERIALIZABLE', /^x\[0\]: only the last .* use splice/],
    ['undefined', (x) => (x[0] = undefined), 'ERR_NOT_SERIALIZABLE', /^x\[0\]: undefined/],
    [
      'push of a Date',
      (x) => x.push(1, new Date()),
      'ERR_NOT_SERIALIZABLE',
      /^x\[3\]: Date; assign value.toISOString\(\)/,
    ],
    ['splice of a Map', (x) => x.splice(1, 1, new Map()), 'ERR_NOT_SERIALIZABLE', /^x\[1\]: Map/],
    ['fill()', (x) => x.fill(), 'ERR_NOT_SERIALIZABLE', /undefined/],
    ['named key', (x) => (x.foo = 1), 'ERR_NOT_SUPPORTED', /^x.foo: a list has no keys/],
    ['negative index', (x) => (x[-1] = 1), 'ERR_NOT_SUPPORTED', /no keys but indexes/],
    ['symbol', (x) => (x[Symbol.iterator] = 1), 'ERR_NOT_SUPPORTED', /Symbol/],
    ['freeze', (x) => Object.freeze(x), 'ERR_NOT_SUPPORTED', /frozen/],
    ['seal', (x) => Object.seal(x), 'ERR_NOT_SUPPORTED', /frozen/],
    ['preventExtensions', (x) => Object.preventExtensions(x), 'ERR_NOT_SUPPORTED', /frozen/],
    ['setPrototypeOf', (x) => Object.setPrototypeOf(x, null), 'ERR_NOT_SUPPORTED', /prototype/],
    ['__proto__', (x) => (x.__proto__ = {}), 'ERR_NOT_SUPPORTED', /no keys/],
    ['accessor', (x) => Object.defineProperty(x, '0', { get: () => 1 }), 'ERR_NOT_SUPPORTED', /accessors/],
    [
      'read-only',
      (x) => Object.defineProperty(x, '0', { value: 1, writable: false }),
      'ERR_NOT_SUPPORTED',
      /read-only/,
    ],
    ['read-only length', (x) => Object.defineProperty(x, 'length', { writable: false }), 'ERR_NOT_SUPPORTED', /length/],
    ['remove of an absent value', (x) => x.remove(9), 'ERR_NOT_FOUND', /remove/],
    ['pop out of range', (x) => x.pop(2), 'ERR_OUT_OF_RANGE', /pop\(2\) of a list of 2; use an index from -2 to 1/],
    ['pop with an invalid index', (x) => x.pop('a'), 'ERR_OUT_OF_RANGE', /not an index/],
    ['insert at an invalid index', (x) => x.insert(1.5, 0), 'ERR_OUT_OF_RANGE', /1.5 is not an index/],
    [
      'sort with a callback that mutates',
      (x) => x.sort(() => x.pop() && 1),
      'ERR_NOT_SUPPORTED',
      /comparison function/,
    ],
  ];
  test.each(cases)('%s', (name, act, code, message) => {
    const { x, log } = mirrorOf([1, 2]);
    expect(() => act(x)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message), attribute: 'x' }),
    );
    if (name !== 'sort with a callback that mutates') {
      expect(log.take()).toEqual([]);
      expect(x).toEqual([1, 2]);
    }
  });

  test('pop(0) of an empty list, an invalid length, and an invalid callback', () => {
    const { x } = mirrorOf([]);
    expect(() => x.pop(0)).toThrow(expect.objectContaining({ code: 'ERR_NOT_FOUND' }));
    expect(() => (x.length = -1)).toThrow(RangeError);
    expect(() => x.sort(3)).toThrow(TypeError);
    expect(() => x.map(3)).toThrow(TypeError);
  });

  test('a mutation that the recorder refuses changes nothing', () => {
    const { x, log } = mirrorOf([3, 1, { a: 1 }]);
    log.refusal = new Error('full');
    // biome-ignore lint/suspicious/noExplicitAny: tests do what TypeScript would refuse
    const acts: ((x: any) => unknown)[] = [
      (x) => x.push(1),
      (x) => x.pop(),
      (x) => x.sort(),
      (x) => (x[0] = 2),
      (x) => (x[2].a = 2),
      (x) => delete x[2].a,
      (x) => x[2].clear(),
    ];
    for (const act of acts) expect(() => act(x)).toThrow('full');
    expect(x).toEqual([3, 1, { a: 1 }]);
  });
});

test('remove compares deeply, asList copies deeply, instanceof tells lists from dicts', () => {
  const { x } = mirrorOf([{ a: [1], b: 2 }, [3]]);
  expect(x).toBeInstanceOf(SyncedList);
  expect(x).toBeInstanceOf(Array);
  expect(x).not.toBeInstanceOf(SyncedDict);
  const copy = x.asList();
  expect(x.aslist()).toEqual(copy);
  expect(copy).not.toBeInstanceOf(SyncedList);
  expect(copy[0]).not.toBeInstanceOf(SyncedDict);
  x.remove({ b: 2, a: [1] });
  expect(x).toEqual([[3]]);
  expect(copy).toHaveLength(2);
  expect(synced(x)).toBe(x);
  expect(() => synced([1])).toThrow(expect.objectContaining({ code: 'ERR_NOT_SUPPORTED' }));
  expect(() => new (SyncedList as never as new () => unknown)()).toThrow(/assign an array/);
});

test('a hundred thousand elements in one call', () => {
  const { x, log } = mirrorOf([1, 2]);
  x.insert(1, 0);
  x.extend(Array.from({ length: 200_000 }, (_, index) => index));
  x.splice(1, 1, ...Array.from({ length: 20_000 }, (_, index) => index));
  expect(x).toHaveLength(220_002);
  expect([x[0], x[20_000], x[20_001], x.at(-1)]).toEqual([1, 19_999, 2, 199_999]);
  expect(log.take()).toHaveLength(3);
});
