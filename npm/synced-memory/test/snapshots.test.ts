import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { snapshot, toPlain } from '../src/entry/common-exports.js';
import { Mirror } from '../src/mirror/mirror.js';
import { mirrorOf } from './support/mutation-log.js';

describe('a snapshot', () => {
  test('is frozen and plain, and does not change', () => {
    const { mirror, x } = mirrorOf({ list: [{ done: false }], none: null });
    const before = mirror.snapshot('x');
    x.list[0].done = true;
    x.list.push('more');
    delete x.none;
    expect(before).toEqual({ list: [{ done: false }], none: null });
    expect(mirror.snapshot('x')).toEqual({ list: [{ done: true }, 'more'] });
    expect(() => {
      (before as { list: unknown[] }).list.push(1);
    }).toThrow(TypeError);
    expect(structuredClone(before)).toEqual(before);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(mirror.snapshot('x'));
    expect(receiveMessageOnPort(port2)?.message).toEqual(toPlain(x));
    port1.close();
  });

  test('is the same object while nothing changes, and shares unchanged parts with the next one', () => {
    const { mirror, x } = mirrorOf({ a: { deep: [{ n: 1 }, { n: 2 }] }, b: { c: {} } });
    type Shape = { a: { deep: { n: number }[] }; b: { c: object } };
    const first = mirror.snapshot('x') as Shape;
    expect(mirror.snapshot('x')).toBe(first);
    expect(snapshot(x.a)).toBe(first.a);
    x.a.deep[1].n = 3;
    const second = mirror.snapshot('x') as Shape;
    expect(second).not.toBe(first);
    expect([second.b, second.a.deep[0]]).toEqual([first.b, first.a.deep[0]]);
    expect(second.b).toBe(first.b);
    expect(second.a.deep[0]).toBe(first.a.deep[0]);
    expect([first.a.deep[1]?.n, second.a.deep[1]?.n]).toEqual([2, 3]);
    x.a.deep.unshift({ n: 0 });
    const third = snapshot<Shape>(x);
    expect(third.a.deep.slice(1)).toEqual(second.a.deep);
    expect(third.a.deep[1]).toBe(second.a.deep[0]);
    mirror.applyPatch('x', [['set', 'x', ['b', 'c'], 'd', 1]]);
    expect(snapshot<Shape>(x)).toMatchObject({ b: { c: { d: 1 } } });
    expect(snapshot<Shape>(x).a).toBe(third.a);
  });

  test('of a detached list or dict is its last snapshot', () => {
    const { mirror, x } = mirrorOf({ list: [1] });
    const { list } = x;
    x.list = [];
    expect(snapshot(list)).toEqual([1]);
    mirror.applyDeletion('x');
    expect(snapshot(list)).toEqual([1]);
  });

  test('of any other value throws', () => {
    expect(() => snapshot({})).toThrow(expect.objectContaining({ code: 'ERR_NOT_SUPPORTED' }));
  });

  test('of a long list copies the list and the changed elements only', () => {
    const { mirror, x } = mirrorOf(Array.from({ length: 100_000 }, (_, n) => ({ n, tags: ['a'] })));
    const first = mirror.snapshot('x') as object[];
    x[70_000].tags.push('b');
    const second = mirror.snapshot('x') as object[];
    expect(second[70_000]).toEqual({ n: 70_000, tags: ['a', 'b'] });
    expect(second.filter((element, index) => element !== first[index])).toEqual([second[70_000]]);
  });

  test('of a wide dict has the keys in their order, after removals and additions', () => {
    const { mirror, x } = mirrorOf(Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${n}`, { n }])));
    let before = mirror.snapshot('x') as Record<string, object>;
    const steps: (() => void)[] = [
      () => delete x.k5,
      () => Object.assign(x, { k5: 'again', k3: 3, added: { n: 0 }, '7': 'index' }),
      () => {
        delete x.k6;
        delete x.k8;
        x.k8 = { n: -8 };
        x.k6 = { n: -6 };
        x.k8 = { n: 8 };
      },
      () => {
        x.k9.n = -9;
        delete x.k9;
        x.added.n = 1;
      },
      () => Object.defineProperty(x, '__proto__', { value: [1], writable: true, enumerable: true, configurable: true }),
      () => x.clear(),
      () => Object.assign(x, { k1: 1 }),
    ];
    for (const step of steps) {
      step();
      const after = mirror.snapshot('x') as Record<string, object>;
      expect(JSON.stringify(after)).toBe(JSON.stringify(toPlain(x)));
      expect(Object.isFrozen(after)).toBe(true);
      if (Object.hasOwn(after, 'k100')) expect(after.k100).toBe(before.k100);
      before = after;
    }
  });

  test('of a frozen value that was replaced by a copy has the later changes', () => {
    const { mirror } = mirrorOf(0);
    const frozen = Object.freeze({ a: Object.freeze({ n: 1 }), b: Object.freeze([]) });
    mirror.attributes.draft = frozen;
    // biome-ignore lint/suspicious/noExplicitAny: a value of any shape
    const draft = mirror.get('draft') as any;
    expect(snapshot(draft)).toBe(frozen);
    draft.a.n = 2;
    expect(snapshot(draft)).toEqual({ a: { n: 2 }, b: [] });
    expect((snapshot(draft) as typeof frozen).b).toBe(frozen.b);
  });

  test('is what JSON.stringify prints, so that a replacer function gets frozen values', () => {
    const { mirror, x, log } = mirrorOf({ list: [{ n: 1 }], keys: { toJSON: 'data' } });
    expect(JSON.stringify({ x })).toBe('{"x":{"list":[{"n":1}],"keys":{"toJSON":"data"}}}');
    const replace = (_key: string, value: unknown) => {
      if (Array.isArray(value)) value.push('more');
      return value;
    };
    expect(() => JSON.stringify(x, replace)).toThrow(TypeError);
    expect(() => JSON.stringify(x.list, replace)).toThrow(TypeError);
    expect(mirror.snapshot('x')).toEqual({ list: [{ n: 1 }], keys: { toJSON: 'data' } });
    expect(log.take()).toEqual([]);
  });

  test('is not the method toJSON of dicts without methods', () => {
    const { log } = mirrorOf(0);
    const mirror = new Mirror(log, {}, undefined, false);
    mirror.assign('words', { the: 1 });
    const words = mirror.get('words') as Record<string, number>;
    words.toJSON = (words.toJSON ?? 0) + 1;
    expect(JSON.stringify(words)).toBe('{"the":1,"toJSON":1}');
  });
});
