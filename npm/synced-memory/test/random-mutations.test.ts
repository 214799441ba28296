// biome-ignore-all lint/suspicious/noAssignInExpressions: the tests are about such expressions
import assert from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Change, describeChange } from '../src/changes/describe-change.js';
import { clear, pop, popitem, SyncedDict, SyncedList, setdefault, update } from '../src/entry/common-exports.js';
import { deepEqual } from '../src/mirror/deep-equal.js';
import type { AppliedEdit } from '../src/mirror/edit.js';
import { Mirror } from '../src/mirror/mirror.js';
import { toPlain } from '../src/mirror/to-plain.js';
import { MutationLog, parseMutation } from './support/mutation-log.js';

/** Mulberry32, a random generator: the same seed gives the same numbers. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Any = ReturnType<typeof JSON.parse>;
type Pick = (below: number) => number;
type Operation = (target: Any, pick: Pick, value: () => Any) => unknown;

const keys = ['a', 'b', 'update', '__proto__', 'constructor', '0', '7', 'é "q"', ''];
const byText = (a: unknown, b: unknown) => (JSON.stringify(a, big) < JSON.stringify(b, big) ? 1 : -1);
const big = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);

/** Operations with the same effect on a synced list and on a plain array. */
const listOperations: Operation[] = [
  (list, _, value) => list.push(value(), value()),
  (list) => list.pop(),
  (list) => list.shift(),
  (list, _, value) => list.unshift(value()),
  (list, pick, value) => list.splice(pick(5) - 2, pick(3), ...[value(), value()].slice(pick(3))),
  (list, pick) => list.splice(pick(4)),
  (list) => list.sort(byText),
  (list) => list.reverse(),
  (list, pick, value) => list.fill(value(), pick(4) - 1, pick(5)),
  (list, pick) => list.copyWithin(pick(4), pick(4) - 1, pick(5)),
  (list, pick, value) => void (list[pick(list.length + 1)] = value()),
  (list, pick) => void (list.length = pick(list.length + 1)),
  (list) => {
    const last = list.length - 1;
    delete list[last];
    list.length = Math.max(last, 0); // a synced list has this length already
  },
  (list, _, value) => Reflect.set(list, list.length, value()),
  (list, _, value) => void Object.assign(list, [value()]),
  (list, pick, value) =>
    void Object.defineProperty(list, pick(list.length + 1), {
      value: value(),
      writable: true,
      enumerable: true,
      configurable: true,
    }),
  (list) => {
    if (list.length > 1) [list[0], list[1]] = [list[1], list[0]];
  },
  (list, _, value) => Array.prototype.push.call(list, value()),
  (list) => Array.prototype.pop.call(list),
  (list) => Array.prototype.shift.call(list),
  (list, _, value) => Array.prototype.unshift.call(list, value()),
  (list) => void Array.prototype.reverse.call(list),
  (list) => void Array.prototype.sort.call(list, byText),
  (list, pick, value) => Array.prototype.splice.call(list, pick(4), pick(3), value()),
  // Python's methods, and what they do to a plain array.
  (list, _, value) => (isSynced(list) ? list.append(value()) : void list.push(value())),
  (list, _, value) => (isSynced(list) ? list.extend([value(), value()]) : void list.push(value(), value())),
  (list, pick, value) => {
    const index = pick(9) - 4;
    if (isSynced(list)) list.insert(index, value());
    else list.splice(index, 0, value());
  },
  (list, pick) => {
    if (list.length === 0) return undefined;
    const index = pick(list.length * 2) - list.length;
    return isSynced(list) ? list.pop(index) : list.splice(index, 1)[0];
  },
  (list, pick) => {
    if (list.length === 0) return;
    const value = structuredClone(toPlain(list[pick(list.length)]));
    if (isSynced(list)) list.remove(value);
    else
      list.splice(
        list.findIndex((element: unknown) => deepEqual(element, value)),
        1,
      );
  },
  (list, pick) => {
    if (pick(4) === 0) isSynced(list) ? list.clear() : void list.splice(0);
  },
];

const dictOperations: Operation[] = [
  (dict, pick, value) => void setKey(dict, keys[pick(keys.length)] as string, value()),
  (dict, pick) => void delete dict[keys[pick(keys.length)] as string],
  (dict, pick, value) => void Object.assign(dict, { [`k${pick(3)}`]: value(), m: value() }),
  (dict, pick, value) =>
    void Object.defineProperty(dict, keys[pick(keys.length)] as string, {
      value: value(),
      writable: true,
      enumerable: true,
      configurable: true,
    }),
  (dict) => {
    if (Object.hasOwn(dict, 'a') && Object.hasOwn(dict, 'b')) [dict.a, dict.b] = [dict.b, dict.a];
  },
  (dict) => {
    for (const key of Object.keys(dict)) delete dict[key];
  },
  (dict, _, value) => {
    const values = { a: value(), u: value() };
    if (isSynced(dict)) update(dict, values);
    else Object.assign(dict, values);
  },
  (dict) => {
    const last = Object.keys(dict).at(-1);
    if (last === undefined) return undefined;
    if (isSynced(dict)) return popitem(dict);
    const item = [last, dict[last]];
    delete dict[last];
    return item;
  },
  (dict, _, value) => {
    if (isSynced(dict)) setdefault(dict, 'a', value());
    else if (!Object.hasOwn(dict, 'a')) dict.a = value();
  },
  (dict, pick) => {
    const key = keys[pick(keys.length)] as string;
    if (!Object.hasOwn(dict, key)) return undefined;
    if (isSynced(dict)) return pop(dict, key);
    const value = dict[key];
    delete dict[key];
    return value;
  },
  (dict, pick) => {
    if (pick(4) > 0) return;
    if (isSynced(dict)) clear(dict);
    else for (const key of Object.keys(dict)) delete dict[key];
  },
];

const isSynced = (value: unknown): boolean => value instanceof SyncedList || value instanceof SyncedDict;

/** Sets a key of a plain object, `__proto__` as well. */
function setKey(dict: Any, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(dict, key, { value, writable: true, enumerable: true, configurable: true });
  else dict[key] = value;
}

function randomValue(pick: Pick, depth = 0): unknown {
  const scalars = [pick(100), -1.5, 'text', '\u0000"\\é\ud800', null, true, 2 ** 60, 2n ** 70n, -(2n ** 53n), ''];
  if (depth > 2 || pick(3) > 0) return scalars[pick(scalars.length)];
  if (pick(2) === 0) return Array.from({ length: pick(4) }, () => randomValue(pick, depth + 1));
  const dict = {};
  for (let left = pick(4); left > 0; left--)
    setKey(dict, keys[pick(keys.length)] as string, randomValue(pick, depth + 1));
  return dict;
}

/** Picks a container of `synced`, and the one of `oracle` at the same path. */
function descend(pick: Pick, synced: Any, oracle: Any): [Any, Any] {
  const inside = Object.keys(oracle).filter((key) => typeof oracle[key] === 'object' && oracle[key] !== null);
  if (inside.length === 0 || pick(3) === 0) return [synced, oracle];
  const key = inside[pick(inside.length)] as string;
  return descend(pick, synced[key], oracle[key]);
}

describe('random mutations have the same effect on a proxy, on plain values, and as replayed mutations', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))('seed %i', (seed) => {
    const pick = random(seed);
    const log = new MutationLog();
    const mirror = new Mirror(log);
    const start = seed % 2 === 0 ? [randomValue(pick), [1, 2, 3]] : { a: randomValue(pick), list: [1, 2, 3], b: {} };
    mirror.assign('x', start);
    const oracle = structuredClone(start);
    const replica = new Mirror(new MutationLog());
    const held: [Any, Any][] = [];
    const undoLog: AppliedEdit[] = [];
    const changes: Change[] = [];
    mirror.undoLog = undoLog;
    mirror.observer = {
      isActive: true,
      observe(applied) {
        changes.push(describeChange(applied, mirror.snapshots, 'local', undefined));
      },
    };
    const followed = { x: structuredClone(start) };
    let snapshot = mirror.snapshot('x') as Any;

    for (let step = 0; step < 100; step++) {
      const root = mirror.get('x') as Any;
      const [target, plain] = descend(pick, root, oracle);
      const operations = Array.isArray(plain) ? listOperations : dictOperations;
      const operation = operations[pick(operations.length)] as Operation;
      const choices = pick(2 ** 31);
      const result = operation(target, random(choices), valuesOf(choices));
      const expected = operation(plain, random(choices), valuesOf(choices));
      const what = `${seed}/${step} ${operation}`;
      same(result, expected, what);
      // A JSON document has no aliases, so the plain value must not keep any.
      unshare(plain);
      same(root, oracle, what);

      for (const text of log.take()) replica.applyPatch('x', [parseMutation(text)]);
      same(replica.get('x'), oracle, what);
      for (const change of changes.splice(0)) follow(followed, change);
      same(followed.x, oracle, what);
      for (const each of [mirror, replica]) same(each.snapshot('x'), oracle, what);
      const next = mirror.snapshot('x') as Any;
      expect(isFrozen(next), what).toBe(true);
      expect(mirror.snapshot('x'), what).toBe(next);
      const isSame = JSON.stringify(snapshot, big) === JSON.stringify(next, big) && isDeepStrictEqual(snapshot, next);
      if (!isSame) expect(snapshot, what).not.toBe(next);
      snapshot = next;
      // Held references have the same value on both sides, as long as they are part of the memory.
      for (const [theirs, ours] of held) {
        expect(contains(replica.get('x'), theirs), what).toBe(contains(root, ours));
        if (contains(root, ours)) same(theirs, ours, what);
      }
      if (step % 10 === 0) held.push(descend(pick, replica.get('x') as Any, root));
    }

    mirror.observer = undefined;
    mirror.undoLog = undefined;
    mirror.revert(undoLog);
    for (const back of [mirror.get('x'), mirror.snapshot('x')]) same(back, start, `${seed} reverted`);
  });
});

/** Asserts equality, with keys in the same order. Vitest's matchers would take a key `constructor` for the class. */
function same(actual: unknown, expected: unknown, what: string): void {
  assert.deepStrictEqual(actual, expected, what);
  expect(JSON.stringify(actual, big), what).toBe(JSON.stringify(expected, big));
}

/** Applies a change to plain values. */
function follow(state: Any, { path, kind, value, oldValue }: Change): void {
  const last = path.at(-1) as string;
  const holder = path.slice(0, -1).reduce((at, key) => own(at, String(key)) as Any, state);
  if (kind === 'delete') {
    assert.deepStrictEqual(holder[last], oldValue);
    delete holder[last];
  } else if (kind === 'splice') {
    const removed = holder.splice(last, (oldValue as unknown[]).length, ...structuredClone(value as unknown[]));
    assert.deepStrictEqual(removed, oldValue);
  } else {
    assert.equal(kind, 'set');
    assert.deepStrictEqual(Object.hasOwn(holder, last) ? own(holder, last) : undefined, oldValue);
    setKey(holder, last, structuredClone(value));
  }
}

function own(holder: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(holder, key)?.value;
}

function isFrozen(value: Any): boolean {
  return (
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen))
  );
}

/** True if `synced` itself, not an equal value, is part of `root`. */
function contains(root: Any, synced: unknown): boolean {
  if (root === synced) return true;
  return typeof root === 'object' && root !== null && Object.values(root).some((value) => contains(value, synced));
}

/** A source of random values. The same seed gives the same values. */
function valuesOf(seed: number): () => unknown {
  const pick = random(seed ^ 0x5eed);
  return () => randomValue(pick);
}

/** Replaces the containers in `value` by copies: fill and swaps put one object into several places. */
function unshare(value: Any): void {
  for (const key of Object.keys(value)) {
    if (typeof value[key] === 'object' && value[key] !== null) setKey(value, key, structuredClone(value[key]));
  }
}
