// biome-ignore-all lint/suspicious/noAssignInExpressions: the tests are about such expressions
import { describe, expect, test } from 'vitest';
import { SyncedMemoryError } from '../src/base/errors.js';
import { Mirror } from '../src/mirror/mirror.js';
import { MutationLog, mirrorOf } from './support/mutation-log.js';

describe('attributes', () => {
  test('assign, get, has, delete', () => {
    const log = new MutationLog();
    const mirror = new Mirror(log);
    mirror.assign('a', 1);
    mirror.assign('b', { c: [] });
    mirror.assign('b', mirror.get('b'));
    mirror.assign('absent', undefined);
    expect(mirror.get('a')).toBe(1);
    expect(mirror.get('b')).toEqual({ c: [] });
    expect(mirror.get('toString')).toBeUndefined();
    expect([mirror.has('a'), mirror.has('toString')]).toEqual([true, false]);
    expect([mirror.delete('a'), mirror.delete('a')]).toEqual([true, false]);
    mirror.assign('b', undefined);
    expect(log.take()).toEqual(['["assign","a",1]', '["assign","b",{"c":[]}]', '["delete","a"]', '["delete","b"]']);
    expect(Object.keys(mirror.attributes)).toEqual([]);
  });

  test('assigned values are copied, also those of the memory itself', () => {
    const { mirror, x } = mirrorOf({ a: [1] });
    mirror.assign('y', x.a);
    x.copy = x.a;
    x.a.push(2);
    expect([mirror.get('y'), x.copy, x.a]).toEqual([[1], [1], [1, 2]]);
  });

  test('__proto__ is an ordinary name if another writer stored it', () => {
    const mirror = new Mirror(new MutationLog(), { prototype: 'kept' });
    mirror.applyLoad('__proto__', { a: 1 });
    expect(mirror.get('__proto__')).toEqual({ a: 1 });
    expect(Object.getPrototypeOf(mirror.attributes)).toBe(Object.prototype);
    mirror.applyDeletion('__proto__');
    expect(mirror.get('__proto__')).toBeUndefined();
  });

  test('an unreadable attribute throws until it is replaced', () => {
    const log = new MutationLog();
    const mirror = new Mirror(log);
    mirror.applyLoad('x', [1]);
    mirror.applyUnreadable('x', new SyncedMemoryError('ERR_MALFORMED', 'x: not JSON', { attribute: 'x' }));
    const broken = expect.objectContaining({ code: 'ERR_MALFORMED', message: 'x: not JSON', attribute: 'x' });
    expect(() => mirror.get('x')).toThrow(broken);
    expect(mirror.has('x')).toBe(false);
    mirror.assign('x', 2);
    expect(mirror.get('x')).toBe(2);
    mirror.applyUnreadable('x', new SyncedMemoryError('ERR_MALFORMED', 'x: not JSON'));
    expect(mirror.delete('x')).toBe(true);
    expect(mirror.get('x')).toBeUndefined();
    mirror.applyUnreadable('x', new SyncedMemoryError('ERR_MALFORMED', 'x: not JSON'));
    mirror.applyLoad('x', 3);
    expect(mirror.get('x')).toBe(3);
    expect(log.take()).toEqual(['["assign","x",2]', '["delete","x"]']);
  });

  test('a mutation that the recorder refuses changes nothing', () => {
    const { mirror, log } = mirrorOf(1);
    log.refusal = new Error('closed');
    expect(() => mirror.assign('x', 2)).toThrow('closed');
    expect(() => mirror.delete('x')).toThrow('closed');
    expect(mirror.get('x')).toBe(1);
  });
});

describe('a patch', () => {
  test('keeps proxies and held references', () => {
    const { mirror, log, x } = mirrorOf({ list: [{ n: 1 }, { n: 2 }], dict: { k: 1 } });
    const [list, first, dict] = [x.list, x.list[0], x.dict];
    mirror.applyPatch('x', [
      ['splice', 'x', ['list'], 0, 0, ['new']],
      ['append', 'x', ['list'], [{ n: 3 }]],
      ['set', 'x', ['list', 1], 'n', 5],
      ['permute', 'x', ['list'], [3, 2, 1, 0]],
      ['set', 'x', ['dict'], '__proto__', 7],
      ['unset', 'x', ['dict'], 'k'],
      ['replace', 'x', ['list'], 3, null],
    ]);
    expect(x).toEqual({ list: [{ n: 3 }, { n: 2 }, { n: 5 }, null], dict: JSON.parse('{"__proto__":7}') });
    expect([x.list, x.list[2], x.dict]).toEqual([list, first, dict]);
    expect(x.list[2]).toBe(first);
    expect(log.take()).toEqual([]);
    first.n = 6;
    expect(log.take()).toEqual(['["set","x",["list",2],"n",6]']);
    mirror.applyPatch('x', [['clear', 'x', ['dict']]]);
    expect(Object.keys(dict)).toEqual([]);
  });

  test('can assign and delete the attribute', () => {
    const { mirror } = mirrorOf([1]);
    mirror.applyPatch('x', [
      ['assign', 'x', { a: 1 }],
      ['set', 'x', [], 'b', 2],
    ]);
    expect(mirror.get('x')).toEqual({ a: 1, b: 2 });
    mirror.applyPatch('x', [['delete', 'x']]);
    expect(mirror.has('x')).toBe(false);
  });

  test.each([
    [['append', 'x', ['absent'], []]],
    [['append', 'x', ['__proto__'], []]],
    [['append', 'x', [0, 'toString'], []]],
    [['frobnicate', 'x', []]],
  ])('%o throws ERR_INTERNAL', (mutation) => {
    const { mirror } = mirrorOf([{}]);
    expect(() => mirror.applyPatch('x', [mutation])).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
  });
});

describe('a container that is no longer part of the memory', () => {
  // biome-ignore lint/suspicious/noExplicitAny: tests do what TypeScript would refuse
  const ways: [name: string, detach: (mirror: Mirror, x: any) => void][] = [
    ['replaced', (_, x) => (x.a = {})],
    ['parent replaced', (mirror) => mirror.assign('x', { a: { list: [1] } })],
    ['deleted', (_, x) => delete x.a],
    ['attribute deleted', (mirror) => mirror.delete('x')],
    ['loaded again', (mirror) => mirror.applyLoad('x', { a: { list: [1] } })],
    ['deleted by another writer', (mirror) => mirror.applyDeletion('x')],
    ['unset by a patch', (mirror) => mirror.applyPatch('x', [['unset', 'x', [], 'a']])],
    ['unreadable', (mirror) => mirror.applyUnreadable('x', new SyncedMemoryError('ERR_MALFORMED', 'x'))],
  ];
  test.each(ways)('%s: can be read and throws on mutation', (_name, detach) => {
    const { mirror, log, x } = mirrorOf({ a: { list: [1, 2] } });
    const { a } = x;
    const { list } = a;
    detach(mirror, x);
    log.take();
    expect([...list]).toEqual([1, 2]);
    const error = expect.objectContaining({ code: 'ERR_DETACHED', attribute: 'x', path: ['a', 'list'] });
    expect(() => list.push(3)).toThrow(error);
    expect(() => list.sort((p: number, q: number) => q - p)).toThrow(error);
    expect(() => (list[0] = 3)).toThrow(error);
    expect(() => (a.n = 3)).toThrow(expect.objectContaining({ code: 'ERR_DETACHED', path: ['a'] }));
    expect(() => (a.list = list)).toThrow(expect.objectContaining({ code: 'ERR_DETACHED' }));
    expect([...list]).toEqual([1, 2]);
    expect(log.take()).toEqual([]);
  });
});

test('SyncedMemoryError.from keeps errors with a code and wraps others', () => {
  const coded = SyncedMemoryError.from(Object.assign(new Error('login failed'), { code: 'ERR_AUTH' }), 'x');
  expect(coded).toMatchObject({
    name: 'SyncedMemoryError',
    code: 'ERR_AUTH',
    message: 'x: login failed',
    attribute: 'x',
  });
  expect(SyncedMemoryError.from(coded)).toBe(coded);
  expect(SyncedMemoryError.from('oops')).toMatchObject({ code: 'ERR_INTERNAL', message: /oops; this is a bug/ });
});
