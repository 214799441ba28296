// biome-ignore-all lint/suspicious/noAssignInExpressions: the tests are about such expressions
// biome-ignore-all lint/suspicious/noProto: the tests are about such expressions
// biome-ignore-all lint/correctness/noSelfAssign: the tests are about such expressions
import { describe, expect, test } from 'vitest';
import {
  asDict,
  asdict,
  clear,
  pop,
  popitem,
  SyncedDict,
  SyncedList,
  setdefault,
  update,
} from '../src/entry/common-exports.js';
import { mirrorOf } from './support/mutation-log.js';

describe('one assignment or method call is one mutation per key', () => {
  // biome-ignore lint/suspicious/noExplicitAny: tests do what TypeScript would refuse
  const cases: [name: string, act: (x: any) => unknown, texts: string[]][] = [
    ['set', (x) => (x.c = { d: [1] }), ['["set","x",[],"c",{"d":[1]}]']],
    ['set of a method name', (x) => (x.update = 1), ['["set","x",[],"update",1]']],
    ['set deep', (x) => (x.b.c = 2), ['["set","x",["b"],"c",2]']],
    ['undefined removes', (x) => (x.a = undefined), ['["unset","x",[],"a"]']],
    ['undefined where absent', (x) => (x.z = undefined), []],
    ['delete', (x) => delete x.a, ['["unset","x",[],"a"]']],
    ['delete where absent', (x) => delete x.z, []],
    ['delete of an inherited property', (x) => delete x.toString, []],
    ['assignment of its own value', (x) => (x.b = x.b), []],
    ['Object.assign', (x) => Object.assign(x, { a: 2, z: 3 }), ['["set","x",[],"a",2]', '["set","x",[],"z",3]']],
    ['Reflect.set', (x) => Reflect.set(x, 'a', 2), ['["set","x",[],"a",2]']],
    ['defineProperty', (x) => Object.defineProperty(x, 'a', { value: 2 }), ['["set","x",[],"a",2]']],
    [
      'defineProperty of a new key',
      (x) => Object.defineProperty(x, 'z', { value: 2, writable: true, enumerable: true, configurable: true }),
      ['["set","x",[],"z",2]'],
    ],
    ['__proto__', (x) => (x.__proto__ = { a: 1 }), ['["set","x",[],"__proto__",{"a":1}]']],
    ['constructor', (x) => (x.constructor = 1), ['["set","x",[],"constructor",1]']],
    ['swap', (x) => ([x.a, x.b] = [x.b, x.a]), ['["set","x",[],"a",{"c":1}]', '["set","x",[],"b",1]']],
    ['x.a++', (x) => x.a++, ['["set","x",[],"a",2]']],
    [
      'update',
      (x) => x.update({ a: 2, z: 3, b: undefined }),
      ['["set","x",[],"a",2]', '["set","x",[],"z",3]', '["unset","x",[],"b"]'],
    ],
    ['pop', (x) => x.pop('a'), ['["unset","x",[],"a"]']],
    ['pop with a default', (x) => x.pop('z', 1), []],
    ['popitem', (x) => x.popitem(), ['["unset","x",[],"b"]']],
    ['setdefault', (x) => x.setdefault('z', []).push(1), ['["set","x",[],"z",[]]', '["append","x",["z"],[1]]']],
    ['setdefault where present', (x) => x.setdefault('a', 5), []],
    ['clear', (x) => x.clear(), ['["clear","x",[]]']],
    ['clear of an empty dict', (x) => x.clear() ?? x.clear(), ['["clear","x",[]]']],
    ['update()', (x) => update(x, { a: 2 }), ['["set","x",[],"a",2]']],
    ['pop()', (x) => pop(x, 'a'), ['["unset","x",[],"a"]']],
    ['popitem()', (x) => popitem(x), ['["unset","x",[],"b"]']],
    ['setdefault()', (x) => setdefault(x, 'z'), ['["set","x",[],"z",null]']],
    ['clear()', (x) => clear(x), ['["clear","x",[]]']],
  ];
  test.each(cases)('%s', (_name, act, texts) => {
    const { x, log } = mirrorOf({ a: 1, b: { c: 1 } });
    act(x);
    expect(log.take()).toEqual(texts);
  });

  test('return values', () => {
    const { x } = mirrorOf({ a: 1, b: { c: 1 }, d: null });
    expect(x.pop('a')).toBe(1);
    expect(x.pop('a', 'none')).toBe('none');
    expect(x.setdefault('b')).toBe(x.b);
    expect(x.setdefault('n')).toBeNull();
    x.pop('n');
    expect(x.popitem()).toEqual(['d', null]);
    const [key, value] = x.popitem();
    expect([key, value]).toEqual(['b', { c: 1 }]);
    expect(value).not.toBeInstanceOf(SyncedDict);
    expect(x.update({ a: 1 })).toBeUndefined();
    expect(delete x.a).toBe(true);
  });
});

describe('keys hide methods', () => {
  test('a key of the same name hides the method, but not the function', () => {
    const { x } = mirrorOf({ update: 1, pop: null, clear: [] });
    expect(x.update).toBe(1);
    expect(x.pop).toBeNull();
    expect(x.clear).toBeInstanceOf(SyncedList);
    update(x, { n: 1 });
    expect(pop(x, 'pop')).toBeNull();
    expect(x.pop).toBeTypeOf('function');
    clear(x);
    expect(asDict(x)).toEqual({});
  });

  test('methods are not keys', () => {
    const { x } = mirrorOf({});
    expect('update' in x).toBe(false);
    expect(Object.keys(x)).toEqual([]);
    expect(x.append).toBeUndefined();
    expect(x.then).toBeUndefined();
    expect(() => x.update.call({}, {})).toThrow(expect.objectContaining({ code: 'ERR_NOT_SUPPORTED' }));
  });
});

describe('a mutation that cannot sync throws and changes nothing', () => {
  const all = { writable: true, enumerable: true, configurable: true };
  // biome-ignore lint/suspicious/noExplicitAny: tests do what TypeScript would refuse
  const cases: [name: string, act: (x: any) => unknown, code: string, message: RegExp][] = [
    ['Date', (x) => (x.b.due = new Date()), 'ERR_NOT_SERIALIZABLE', /^x.b.due: Date; assign due.toISOString\(\)/],
    ['update with one bad value', (x) => x.update({ n: 1, f() {} }), 'ERR_NOT_SERIALIZABLE', /^x.f: a function/],
    ['symbol', (x) => (x[Symbol('s')] = 1), 'ERR_NOT_SUPPORTED', /Symbol\(s\) cannot be a key/],
    [
      'symbol defined',
      (x) => Object.defineProperty(x, Symbol('s'), { value: 1, ...all }),
      'ERR_NOT_SUPPORTED',
      /Symbol/,
    ],
    [
      'accessor',
      (x) => Object.defineProperty(x, 'n', { get: () => 1, ...{ configurable: true } }),
      'ERR_NOT_SUPPORTED',
      /accessors/,
    ],
    ['__defineGetter__', (x) => x.__defineGetter__('n', () => 1), 'ERR_NOT_SUPPORTED', /accessors/],
    ['hidden', (x) => Object.defineProperty(x, 'n', { value: 1 }), 'ERR_NOT_SUPPORTED', /read-only or hidden/],
    [
      'made hidden',
      (x) => Object.defineProperty(x, 'a', { enumerable: false }),
      'ERR_NOT_SUPPORTED',
      /read-only or hidden/,
    ],
    ['freeze', (x) => Object.freeze(x), 'ERR_NOT_SUPPORTED', /frozen/],
    ['setPrototypeOf', (x) => Object.setPrototypeOf(x, Array.prototype), 'ERR_NOT_SUPPORTED', /prototype/],
    ['pop of an absent key', (x) => x.pop('z'), 'ERR_NOT_FOUND', /^x.z: pop/],
    ['popitem of an empty dict', (x) => x.empty.popitem(), 'ERR_NOT_FOUND', /^x.empty: popitem/],
  ];
  test.each(cases)('%s', (_name, act, code, message) => {
    const { x, log } = mirrorOf({ a: 1, b: {}, empty: {} });
    expect(() => act(x)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message), attribute: 'x' }),
    );
    expect(log.take()).toEqual([]);
    expect(x).toEqual({ a: 1, b: {}, empty: {} });
  });

  test('operations that change nothing are allowed', () => {
    const { x, log } = mirrorOf({ a: 1 });
    Object.setPrototypeOf(x, Object.prototype);
    Object.defineProperty(x, 'a', { enumerable: true });
    expect(Object.isExtensible(x)).toBe(true);
    expect(delete x[Symbol('s')]).toBe(true);
    expect(log.take()).toEqual([]);
  });
});

describe('__proto__', () => {
  test('is an ordinary key and reaches no prototype', () => {
    const { x } = mirrorOf(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'));
    expect(x.__proto__).toBeInstanceOf(SyncedDict);
    x.__proto__.more = 2;
    x.constructor.prototype.more = 2;
    x.plain = {};
    x.plain.__proto__ = { deep: 1 };
    expect(Object.getPrototypeOf(x)).toBe(Object.prototype);
    expect(x.plain.deep).toBeUndefined();
    expect(({} as Record<string, unknown>).more).toBeUndefined();
    expect(JSON.stringify(x)).toBe(
      '{"__proto__":{"polluted":1,"more":2},"constructor":{"prototype":{"polluted":1,"more":2}},"plain":{"__proto__":{"deep":1}}}',
    );
    expect(JSON.stringify(x.asDict())).toBe(JSON.stringify(x));
    expect(delete x.__proto__).toBe(true);
    expect(x.__proto__).toBe(Object.prototype);
  });
});

describe('objects that delegate to a dict', () => {
  test('an object that inherits from it gets an own property', () => {
    const { x, log } = mirrorOf({ a: 1 });
    const heir = Object.create(x);
    heir.a = 2;
    heir.b = 3;
    expect([heir.a, heir.b, x.a, x.b]).toEqual([2, 3, 1, undefined]);
    expect(log.take()).toEqual([]);
  });

  test('mutations through another proxy sync', () => {
    const { x, log } = mirrorOf({ a: 1, list: [1] });
    const outer = new Proxy(x, {
      get: (target, key, receiver) => Reflect.get(target, key, receiver),
      set: (target, key, value, receiver) => Reflect.set(target, key, value, receiver),
    });
    outer.a = 2;
    outer.b = 3;
    expect(log.take()).toEqual(['["set","x",[],"a",2]', '["set","x",[],"b",3]']);
  });
});

test('asDict copies deeply', () => {
  const { x } = mirrorOf({ a: { b: [1] } });
  for (const copy of [x.asDict(), x.asdict(), asDict(x), asdict(x)]) {
    expect(copy).toEqual({ a: { b: [1] } });
    expect(copy).not.toBeInstanceOf(SyncedDict);
    expect(copy.a.b).not.toBeInstanceOf(SyncedList);
    copy.a.b.push(2);
  }
  expect(x.a.b).toEqual([1]);
  expect(x).toBeInstanceOf(SyncedDict);
  expect(x).toBeInstanceOf(Object);
  expect(x).not.toBeInstanceOf(SyncedList);
});
