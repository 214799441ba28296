// The parsers of the command line. tests/servers/cli.test.ts runs the program.
import { describe, expect, test } from 'vitest';
import { commands } from '../src/cli/command-table.js';
import { exitCodeOf } from '../src/cli/failure.js';
import { commandHelp, helpText } from '../src/cli/help-text.js';
import { describeInterface } from '../src/cli/infer-types.js';
import { parseJson } from '../src/cli/json-parser.js';
import { printCompact, printShort } from '../src/cli/json-printer.js';
import { parseCommandLine } from '../src/cli/options.js';
import { formatPath, parsePath } from '../src/cli/path-syntax.js';
import { maskPassword } from '../src/cli/target.js';

/** Runs a command line that must fail before it opens anything. */
async function failureOf(argv: string[]): Promise<Error> {
  try {
    const { command, args, options } = parseCommandLine(argv, commands);
    if (command !== undefined) await command.run({ command, args, options });
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

test.each([
  [['frobnicate'], 'there is no command "frobnicate"; `synced-memory --help` lists them'],
  [['ls', '--jsno'], 'there is no option --jsno; did you mean --json?'],
  [['--prefx', 'a', 'ls'], 'there is no option --prefx; did you mean --prefix?'],
  [['ls', '--raw'], 'ls has no option --raw; `synced-memory --help` lists them'],
  [['get'], 'an argument is missing; usage: synced-memory get PATH'],
  [['get', 'a', 'b'], 'b: too many arguments; quote one that has spaces; usage: synced-memory get PATH'],
  [['ls', '--url'], '--url needs a value: URL'],
  [['ls', '--json=1'], '--json takes no value'],
  [['ls', '--timeout', 'soon'], '--timeout soon: write a number of seconds above 0'],
  [['ttl', 'a.b'], 'a.b: only whole attributes expire; the attribute is a'],
  [['ttl', 'a', 'soon'], 'soon: write seconds above 0, or none'],
  [['watch', '--count', 'x'], '--count x: write a number of changes above 0'],
  [['set', '$a', '1'], '"$a" cannot be the name of an attribute'],
  [['set', 'a', 'hello'], 'the value is not JSON: a value is expected; for a text, write \'"hello"\'\n  hello\n  ^'],
])('%j is wrong usage', async (argv, message) => {
  const error = await failureOf(argv);
  expect(error.message).toContain(message);
  expect(exitCodeOf(error)).toBe(2);
});

describe('paths', () => {
  test.each([
    ['tasks', ['tasks']],
    ['tasks[3].title', ['tasks', 3, 'title']],
    ['config["a.b"]', ['config', 'a.b']],
    ["config['it\\'s \"b\"'].x", ['config', 'it\'s "b"', 'x']],
    ['["a.b"].c', ['a.b', 'c']],
    ['{bank}alice.__proto__', ['{bank}alice', '__proto__']],
    ['my-list.0', ['my-list', '0']],
    ['a["\\n"][""]', ['a', '\n', '']],
  ])('%s', (text, keys) => {
    const { name, path } = parsePath(text);
    expect([name, ...path]).toEqual(keys);
    const again = parsePath(formatPath(keys));
    expect([again.name, ...again.path]).toEqual(keys);
  });

  test.each([
    ['', 'a name is missing', 0],
    ['a..b', 'a key is missing after "."', 2],
    ['a[3', '"]" is missing', 3],
    ['a[x]', '"[" is followed by an index', 1],
    ['a["b]', '"[" is followed by an index', 1],
    ['a]', '"]" has no "["', 1],
    ['a["b"]c', '"." or "[" goes between two keys', 6],
    ['a["\\x"]', 'the quoted key is not right', 1],
  ])('%j is refused where it is wrong', (text, problem, position) => {
    expect(() => parsePath(text)).toThrow(problem);
    expect(() => parsePath(text)).toThrow(`\n  ${text}\n  ${' '.repeat(position)}^`);
  });
});

describe('JSON', () => {
  test.each([
    '{"a": [1, -2.5e3, true, false, null, "\\u00e9\\n\\"\\\\"], "": {}}',
    ' [ ] ',
    '"\u007f\u2028"',
    '{"a":1,"a":2}',
  ])('%s is read as by JSON.parse', (text) => {
    // The padding leads to the parser for long integers.
    const padded = `[${text},1234567890123456]`;
    expect(parseJson(padded)).toEqual(JSON.parse(padded));
  });

  test('long integers become BigInts, and __proto__ is a key', () => {
    const value = parseJson('{"__proto__":12345678901234567890,"b":-9007199254740993,"c":1e30}') as object;
    expect(Object.entries(value)).toEqual([
      ['__proto__', 12345678901234567890n],
      ['b', -9007199254740993n],
      ['c', 1e30],
    ]);
    expect(printCompact(value, [])).toBe('{"__proto__":12345678901234567890,"b":-9007199254740993,"c":1e+30}');
  });

  test.each([
    ['', 'a value is expected, and the text ends', 0],
    ['[1,2', '"," or "]" is expected, and the text ends', 4],
    ['01', 'there is more after the value', 1],
    ['{"a":1,}', 'a key in double quotes is expected', 7],
    ['{"a" 1}', '":" is expected after the key', 5],
    ['["abc', 'the string that begins here has no end', 1],
    ['["\\x"]', 'an escape that JSON does not have', 2],
    ['["a\nb"]', 'a control character in a string', 3],
    ['NaN', 'a value is expected', 0],
    ['['.repeat(2000), 'nested deeper than 1000 levels', 1000],
  ])('%j is refused where it is wrong', (text, problem, offset) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(problem), offset }),
    );
  });

  test('what JSON does not have is refused with its path', () => {
    expect(() => printCompact([{ x: Number.NaN }], ['stats'])).toThrow('stats[0].x is NaN');
    expect(printShort({ a: 'x'.repeat(100), b: [1, 2] }, 20)).toBe('{"a":"xxxxxxxxxxxxx…');
  });
});

test.each([
  ['redis://user:p@ss/w:rd@host:1/0', 'redis://user:***@host:1/0'],
  ['redis://:secret@host', 'redis://:***@host'],
  ['redis+cluster://u:p@a:1,b:2', 'redis+cluster://u:***@a:1,b:2'],
  ['redis+unix:///run/redis.sock?db=1&pass=secret', 'redis+unix:///run/redis.sock?db=1&pass=***'],
  ['file:a:b@c.db', 'file:a:b@c.db'],
  ['redis://host:1', 'redis://host:1'],
])('%s is shown without its password', (url, shown) => {
  expect(maskPassword(url)).toBe(shown);
});

test('every help fits a screen of 24 lines and 80 columns', () => {
  for (const help of [helpText(commands), ...commands.map(commandHelp)]) {
    const lines = help.split('\n');
    expect(lines.length, help).toBeLessThanOrEqual(24);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  }
});

test('an interface of live data', () => {
  const state = {
    users: [
      { name: 'a', tags: [] },
      { name: 'b', age: 7n, 'x-y': null },
    ],
    mixed: [1, [null, 'x'], { deep: true }],
    scores: Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`player ${index}`, index])),
    nothing: {},
  };
  expect(describeInterface('State', state)).toBe(`export interface State {
  users: {
    name: string;
    tags?: unknown[];
    age?: bigint;
    "x-y"?: null;
  }[];
  mixed: ({
    deep: boolean;
  } | (string | null)[] | number)[];
  scores: Record<string, number>;
  nothing: Record<string, unknown>;
}`);
});
