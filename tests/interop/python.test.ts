import { createClient } from 'redis';
import { Memory, PrefixedMemory, type SyncedMemoryError, synced } from 'synced-memory';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';
import { Python } from './python.js';

// biome-ignore lint/suspicious/noExplicitAny: what Python stores has no type here.
type Anything = Record<string, any>;

let server: Awaited<ReturnType<typeof startRedisServer>>;
let python: Python;
let raw: ReturnType<typeof createClient>;
let mem: Memory<Anything>;

beforeAll(async () => {
  server = await startRedisServer();
  python = Python.start(server.port);
  raw = createClient({ url: server.url });
  await raw.connect();
});

afterAll(async () => {
  raw?.destroy();
  await python?.stop();
  await server?.stop();
});

beforeEach(async () => {
  await raw.flushAll();
  mem = await Memory.open<Anything>({ url: server.url });
});

afterEach(async () => {
  await mem.$close();
});

const values: [kind: string, value: unknown][] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['zero', 0],
  ['a negative integer', -42],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['a fraction', -2.5],
  ['a tiny float', 5e-324],
  ['a huge float', 1.7976931348623157e308],
  ['the empty string', ''],
  ['quotes, backslashes and control characters', 'a"b\\c/\n\r\t\b\f\u0000\u001f\u007f'],
  ['unicode', 'Grüße, Ελλάδα, 日本語, 👩‍👩‍👧‍👦, e\u0301, \u2028\u2029\ufeff'],
  ['a lone surrogate', 'half \ud83d of a pair'],
  ['the empty list', []],
  ['the empty dict', {}],
  ['a nested value', { users: [{ name: 'Ali\u00e7e', scores: [95, 87.5, null], tags: { 'a b': [[], {}] } }] }],
  ['keys that mean something to JavaScript', JSON.parse('{"constructor": 1, "__proto__": {"polluted": true}, "": 2}')],
];

/** A Python expression for a JSON value. */
function literal(value: unknown): string {
  return `json.loads(${JSON.stringify(JSON.stringify(value))})`;
}

describe('values of every kind', () => {
  test.each(values)('%s written by JavaScript is read by Python', async (_, value) => {
    mem.thing = value;
    await mem.$flush();
    expect(await python.run('mem.thing')).toEqual(value);
    expect(await python.run(`mem.thing == ${literal(value)}`)).toBe(true);
  });

  test.each(values)('%s written by Python is read by JavaScript', async (_, value) => {
    await python.run(`mem.thing = ${literal(value)}`);
    await mem.$sync();
    expect(mem.thing).toEqual(value);
    expect(JSON.stringify(mem.thing)).toBe(JSON.stringify(value));
  });

  test('integers beyond 2^53 are BigInt in JavaScript and int in Python', async () => {
    mem.here = [2n ** 64n, -(10n ** 30n), 9007199254740993n];
    await mem.$flush();
    expect(await python.run('mem.here == [2**64, -(10**30), 2**53 + 1]')).toBe(true);

    await python.run('mem.there = {"big": 12345678901234567890, "small": 7}');
    await mem.$sync();
    expect(mem.there).toEqual({ big: 12345678901234567890n, small: 7 });
    mem.there.small = 8;
    await mem.$flush();
    expect(await python.run('mem.there == {"big": 12345678901234567890, "small": 8}')).toBe(true);
  });

  test('floats keep their text when another value changes', async () => {
    await python.run('mem.numbers = [1.0, 2, 1e16, 1e22, -0.0]');
    await mem.$sync();
    expect(mem.numbers).toEqual([1, 2, 1e16, 1e22, -0]);
    mem.numbers[1] = 3;
    mem.numbers.push(4);
    await mem.$flush();
    expect(await python.run('repr(mem.numbers)')).toBe('[1.0, 3, 1e+16, 1e+22, -0.0, 4]');
    expect(await raw.get('memory:numbers')).toContain('1.0');
  });
});

describe('mutations', () => {
  test('in place from JavaScript, on a document of Python', async () => {
    await python.run('mem.data = {"users": [{"name": "Alice", "scores": [95, 87]}], "emoji \\U0001F389": "\\u00fc"}');
    await mem.$sync();
    mem.data.users[0].scores.push(92);
    mem.data.users.unshift({ name: 'Bob \u{1f389}' });
    mem.data['emoji \u{1f389}'] += '!';
    await mem.$flush();
    expect(await python.run('mem.data')).toEqual({
      users: [{ name: 'Bob 🎉' }, { name: 'Alice', scores: [95, 87, 92] }],
      'emoji 🎉': 'ü!',
    });
  });

  test('in place from Python, on a document of JavaScript', async () => {
    mem.data = { users: [{ name: 'Alice', scores: [95, 87] }] };
    await mem.$flush();
    const scores = mem.data.users[0].scores;
    await python.run('mem.data["users"][0]["scores"].append(92)');
    await mem.$sync();
    expect(mem.data.users[0].scores).toEqual([95, 87, 92]);
    expect(scores).toEqual(mem.data.users[0].scores);
  });

  test('the list methods that both languages have', async () => {
    mem.list = [1, 2, 3];
    const list = synced<number[]>(mem.list);
    list.append(4);
    list.extend([5, 6]);
    await mem.$flush();
    await python.run('mem.list.insert(0, 0)');
    await python.run('mem.list.remove(0)');
    await python.run('mem.list.pop()');
    await mem.$sync();
    expect(mem.list).toEqual([1, 2, 3, 4, 5]);
  });

  test('alternating writers lose nothing', async () => {
    mem.log = [];
    await mem.$flush();
    for (let turn = 0; turn < 20; turn++) {
      if (turn % 2 === 0) {
        await mem.$sync();
        mem.log.push(`js ${turn}`);
        await mem.$flush();
      } else {
        await python.run(`mem.log.append("python ${turn}")`);
      }
    }
    await mem.$sync();
    const expected = Array.from({ length: 20 }, (_, turn) => `${turn % 2 === 0 ? 'js' : 'python'} ${turn}`);
    expect(mem.log).toEqual(expected);
    expect(await python.run('mem.log')).toEqual(expected);
  });

  test("a push that was made before Python's write arrived is rebased on it", async () => {
    mem.log = ['first'];
    await mem.$flush();
    await python.run('mem.log.append("python")');
    mem.log.push('js');
    await mem.$flush();
    expect(await python.run('mem.log')).toEqual(['first', 'python', 'js']);
    await mem.$sync();
    expect(mem.log).toEqual(['first', 'python', 'js']);
  });

  test('revisions increase through commits of both writers', async () => {
    await python.run('mem.list = [1]');
    await mem.$sync();
    const first = mem.$lastModified('list');
    expect(String(first)).toBe(await python.run('str(json.loads(raw.get("memory:list"))["last_modified"])'));
    mem.list.push(2);
    await mem.$flush();
    const second = mem.$lastModified('list');
    expect(second).toBeGreaterThan(first as bigint);
    await python.run('mem.list.append(3)');
    await mem.$sync();
    expect(mem.$lastModified('list')).toBeGreaterThan(second as bigint);
  });

  test('deletions in both directions', async () => {
    mem.ours = 1;
    mem.theirs = 2;
    await mem.$flush();
    delete mem.ours;
    await mem.$flush();
    expect(await python.run('hasattr(fresh(), "ours")')).toBe(false);
    expect(await python.run('raw.exists("memory:ours")')).toBe(0);

    await python.run('mem.theirs');
    await python.run('del mem.theirs');
    await mem.$sync();
    expect('theirs' in mem).toBe(false);
    expect(Object.keys(mem)).toEqual([]);
  });

  test.skipIf(onWasm)('the blocking memory sees Python at once, and Python sees it', async () => {
    const sync = Memory.openSync<Anything>({ url: server.url });
    await python.run('mem.list = [1]');
    expect(sync.list).toEqual([1]);
    sync.list.push(2);
    expect(await python.run('mem.list')).toEqual([1, 2]);
    await python.run('mem.list.append(3)');
    expect(sync.list).toEqual([1, 2, 3]);
    await sync.$close();
  });

  test('PrefixedMemory in both directions', async () => {
    const scoped = await PrefixedMemory.open<Anything>('agent', { url: server.url });
    scoped.notes = ['js'];
    await scoped.$flush();
    expect(await raw.exists('memory:agent:notes')).toBe(1);
    expect(await python.run('scoped("agent").notes')).toEqual(['js']);
    await python.run('scoped("agent").notes.append("python")');
    await python.run('scoped("agent").config = {"lang": "en"}');
    await scoped.$sync();
    expect(scoped.notes).toEqual(['js', 'python']);
    expect(scoped.config).toEqual({ lang: 'en' });
    await scoped.$close();

    const other = await PrefixedMemory.open<Anything>('other', { url: server.url });
    expect(Object.keys(other)).toEqual([]);
    await other.$close();
  });

  test('only documents are stored under the prefix', async () => {
    mem.list = [1];
    await mem.$flush();
    mem.list.push(2);
    await mem.$flush();
    expect(await raw.keys('memory:*')).toEqual(['memory:list']);
    expect(await python.run('sorted(fresh()._attributes)')).toEqual(['list']);
  });
});

describe('values that only Python can write', () => {
  test('NaN and Infinity are read, and kept when another value changes', async () => {
    await python.run('mem.stats = {"values": [float("nan"), float("inf"), float("-inf")], "count": 3}');
    await mem.$sync();
    expect(mem.stats.values).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    mem.stats.count = 4;
    mem.stats.values.push(1);
    await mem.$flush();
    expect(await python.run('repr(mem.stats)')).toBe("{'values': [nan, inf, -inf, 1], 'count': 4}");
  });

  test('keys that are not strings arrive as the text that Python stores', async () => {
    await python.run('mem.names = {1: "one", None: "none", False: "no", 2.5: "half"}');
    await mem.$sync();
    expect(mem.names).toEqual({ 1: 'one', null: 'none', false: 'no', 2.5: 'half' });
    mem.names[1] = 'uno';
    await mem.$flush();
    expect(await python.run('mem.names')).toEqual({ 1: 'uno', null: 'none', false: 'no', 2.5: 'half' });
  });

  test.each([
    ['an object', '{"theme": "dark"}'],
    ['a list', '[1, 2]'],
    ['a number', '7'],
  ])('the old format, %s without its envelope: an error for that attribute, the others work', async (_, stored) => {
    await python.run('mem.fine = [1]');
    const errors: SyncedMemoryError[] = [];
    const off = mem.$on('error', (error) => errors.push(error));
    await raw.set('memory:old', stored);
    await mem.$sync();

    expect(errors).toMatchObject([{ code: 'ERR_MALFORMED', attribute: 'old' }]);
    expect(() => mem.old).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED', attribute: 'old' }));
    mem.fine.push(2);
    await mem.$flush();
    expect(await python.run('mem.fine')).toEqual([1, 2]);
    expect(await raw.get('memory:old')).toBe(stored);

    mem.old = { theme: 'light' };
    await mem.$flush();
    expect(await python.run('mem.old')).toEqual({ theme: 'light' });
    off();
  });
});
