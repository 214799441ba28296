// The command line as a process of its own, on a server and on the embedded file.
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';
import { CommandLine } from './cli-process.js';

let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

const commandLines: CommandLine[] = [];
function commandLine(variables: NodeJS.ProcessEnv = {}): CommandLine {
  const made = new CommandLine(variables);
  commandLines.push(made);
  return made;
}
afterAll(() => {
  for (const made of commandLines) made.remove();
});

const lines = (text: string) => text.trimEnd().split('\n');

describe.each(['redis', 'file'])('on %s', (kind) => {
  let cli: CommandLine;
  beforeAll(() => {
    cli = commandLine(kind === 'redis' ? { REDIS_URL: server.url } : {});
  });

  test('set, get and ls', async () => {
    expect(await cli.print('set', 'tasks', '[{"title":"draft"}]')).toBe('');
    expect(await cli.print('set', 'tasks[0].done', 'false')).toBe('');
    expect(await cli.print('set', 'tasks[1]', '"last"')).toBe('');
    expect(await cli.print('get', 'tasks[0].title')).toBe('"draft"');
    expect(await cli.print('get', 'tasks[0].title', '--raw')).toBe('draft');
    expect(await cli.print('get', '--json', 'tasks')).toBe('[{"title":"draft","done":false},"last"]');
    expect(await cli.print('get', 'tasks[0]')).toBe('{\n  "title": "draft",\n  "done": false\n}');
    expect(await cli.print('ls')).toBe('tasks  list(2)  [{"title":"draft","done":false},"last"]');
    expect(lines(await cli.print('ls', 'tasks', '--json')).map((line) => JSON.parse(line))).toEqual([
      { path: 'tasks[0]', type: 'dict', length: 2 },
      { path: 'tasks[1]', type: 'string' },
    ]);
  });

  test('keys of any name are data, and long integers are kept', async () => {
    await cli.print('set', 'odd', '{"a.b":{"__proto__":{"x":12345678901234567890}}}');
    expect(await cli.print('get', 'odd["a.b"].__proto__.x')).toBe('12345678901234567890');
    await cli.print('set', "odd['a.b'].__proto__.y", '-5');
    expect(await cli.print('get', 'odd', '--json')).toBe('{"a.b":{"__proto__":{"x":12345678901234567890,"y":-5}}}');
    expect(await cli.run(['get', 'odd.constructor', '-q'])).toEqual({
      code: 3,
      stdout: '',
      stderr: 'synced-memory: there is no odd.constructor: the dict has no such key\n',
    });
  });

  test('push and del', async () => {
    await cli.print('push', 'queue', '1', '"two"');
    await cli.print('push', 'queue', '{"three": []}');
    await cli.print('push', 'queue[2].three', '-4');
    expect(await cli.print('get', 'queue', '--json')).toBe('[1,"two",{"three":[-4]}]');
    await cli.print('del', 'queue[0]');
    await cli.print('del', 'queue[1].three');
    expect(await cli.print('get', 'queue', '--json')).toBe('["two",{}]');
    await cli.print('del', 'queue');
    expect((await cli.run(['get', 'queue'])).code).toBe(3);
    await cli.print('set', 'dict', '{}');
    expect(await cli.run(['push', 'dict', '1', '-q'])).toMatchObject({
      code: 1,
      stderr: 'synced-memory: dict is a dict, not a list\n',
    });
  });

  test('ttl', async () => {
    await cli.print('set', 'session', '1');
    expect(await cli.print('ttl', 'session')).toBe('none');
    expect(await cli.print('ttl', 'session', '--json')).toBe('null');
    await cli.print('ttl', 'session', '100');
    const left = Number(await cli.print('ttl', 'session'));
    expect(left > 0 && left <= 100).toBe(true);
    await cli.print('ttl', 'session', 'none');
    expect(await cli.print('ttl', 'session')).toBe('none');
    expect((await cli.run(['ttl', 'absent', '5'])).code).toBe(3);
    expect((await cli.run(['ttl', 'absent'])).code).toBe(3);
  });

  test('a value from the standard input', async () => {
    await cli.run(['set', 'piped', '-'], '{"from": "stdin"}\n');
    expect(await cli.print('get', 'piped.from')).toBe('"stdin"');
  });

  test('a scope and a prefix have values of their own', async () => {
    await cli.print('set', 'who', '"scope"', '--scope', 'room');
    await cli.print('set', 'who', '"prefix"', '--prefix=other:');
    expect(await cli.print('get', 'who', '--scope=room')).toBe('"scope"');
    expect(await cli.print('get', 'who', '--prefix', 'other:')).toBe('"prefix"');
    expect((await cli.run(['get', 'who'])).code).toBe(3);
  });

  test.each([
    [['get', 'none'], 'there is no attribute none'],
    [['get', 'list[7]'], 'there is no list[7]: list is a list of 1 element'],
    [['get', 'list.length'], 'there is no list.length: list is a list of 1 element'],
    [['set', 'list[2]', '1'], 'there is no list[2]: list is a list of 1 element'],
    [['set', 'none.key', '1'], 'there is no attribute none; set it first'],
    [['del', 'none'], 'there is no attribute none'],
    [['del', 'list[1]'], 'there is no list[1]: list is a list of 1 element'],
    [['get', 'list[0].x'], 'there is no list[0].x: list[0] is a number'],
  ])('%j: not there', async (args, message) => {
    await cli.print('set', 'list', '[1]');
    expect(await cli.run([...args, '--quiet'])).toEqual({ code: 3, stdout: '', stderr: `synced-memory: ${message}\n` });
  });
});

test('says where the URL comes from, without its password', async () => {
  const cli = commandLine();
  const from = async (variables: NodeJS.ProcessEnv, ...args: string[]) =>
    (await cli.with(variables).run(['set', 'a', '1', ...args])).stderr.trim();
  const url = server.url.replace('//', '//default:secr@t@');
  const shown = server.url.replace('//', '//default:***@');
  const port = String(server.port);
  expect(await from({})).toBe('file:.synced-memory/memory.db (from the default, the embedded file)');
  expect(await from({ REDIS_URL: server.url })).toBe(`${server.url} (from REDIS_URL)`);
  expect(await from({ SYNCED_MEMORY_URL: server.url, REDIS_URL: 'x:' })).toBe(`${server.url} (from SYNCED_MEMORY_URL)`);
  expect(await from({ REDIS_HOST: '127.0.0.1', REDIS_PORT: port })).toBe(
    `${server.url} (from REDIS_HOST and REDIS_PORT)`,
  );
  expect(await from({ REDIS_URL: 'x:' }, '--url', server.url)).toBe(`${server.url} (from --url)`);
  const refused = await from({}, '--url', url);
  expect(refused).toContain(`${shown} (from --url)`);
  expect(refused).not.toContain('secr');
});

test('a file that does not exist is created by set, and by no command that reads', async () => {
  const cli = commandLine();
  const reading = await cli.run(['ls']);
  expect(reading).toMatchObject({ code: 3, stdout: '' });
  expect(reading.stderr).toContain('there is no file .synced-memory/memory.db (from the default');
  expect((await cli.run(['ls'])).code).toBe(3);
  await cli.print('set', 'a', '1');
  expect(await cli.print('ls')).toBe('a  number  1');
});

test('a stored text that is no document: ls shows why, get fails', async () => {
  const cli = commandLine({ REDIS_URL: server.url, REDIS_PREFIX: 'damaged:' });
  const client = await createClient({ url: server.url }).connect();
  await client.set('damaged:a', '{"value": 1');
  client.destroy();
  await cli.print('set', 'b', '2');
  const entries = lines(await cli.print('ls', '--json')).map((line) => JSON.parse(line));
  expect(entries).toEqual([
    { path: 'b', type: 'number' },
    { path: 'a', type: 'unreadable', error: expect.stringContaining('a') },
  ]);
  const failed = await cli.run(['get', 'a', '--json']);
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.stderr)).toEqual({ error: { code: 'ERR_MALFORMED', message: entries[1].error } });
});

describe('a server that cannot be used ends with code 4', () => {
  test('unreachable', async () => {
    const cli = commandLine({ REDIS_URL: `redis://:secret@127.0.0.1:${await freePort()}` });
    const failed = await cli.run(['get', 'a', '--timeout', '0.2']);
    expect(failed).toMatchObject({ code: 4, stdout: '' });
    expect(failed.stderr).toMatch(
      /\(from REDIS_URL\): cannot reach 127\.0\.0\.1:\d+: .*\(waited 0\.2 s; see --timeout\)/,
    );
    expect(failed.stderr).not.toMatch(/secret|at .*\.js|openTimeout/);
  });

  test('a wrong password, as JSON', async () => {
    const locked = await startRedisServer(['--requirepass', 'right']);
    const cli = commandLine({ REDIS_URL: locked.url.replace('//', '//:wrong@') });
    const failed = await cli.run(['get', 'a', '--json']);
    await locked.stop();
    expect(failed).toMatchObject({ code: 4, stdout: '' });
    expect(JSON.parse(failed.stderr).error.code).toBe('ERR_AUTH');
    expect(failed.stderr).not.toContain('wrong');
  });
});

describe('wrong usage ends with code 2, and says what is wrong', () => {
  test.each([
    [['lss'], 'there is no command "lss"; did you mean ls?'],
    [['get', 'a[x]'], 'the path cannot be read: "[" is followed by an index, as in [0], or by a quoted key'],
    [['set', 'a', '{"b": tru}'], 'the value is not JSON: a value is expected\n  {"b": tru}\n        ^'],
    [['ls', '--url', 'ftp://x'], 'the URL must start with redis:'],
  ])('%j', async (args, message) => {
    const cli = commandLine();
    const failed = await cli.run(args);
    expect(failed).toMatchObject({ code: 2, stdout: '' });
    expect(failed.stderr).toContain(message);
    expect(failed.stderr).not.toMatch(/^ +at /m);
  });

  test('no server under NODE_ENV=production', async () => {
    const failed = await commandLine({ NODE_ENV: 'production' }).run(['ls']);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('no server is given: pass --url, or set SYNCED_MEMORY_URL or REDIS_URL');
  });
});

test('without a command, the help is the answer to a mistake', async () => {
  const cli = commandLine();
  expect(await cli.run([])).toMatchObject({ code: 2, stdout: '', stderr: `${await cli.print('help')}\n` });
  expect(await cli.print('help', 'get')).toContain('usage: synced-memory get PATH');
  expect(await cli.print('--version')).toMatch(/^\d+\.\d+\.\d+$/);
});
