// The messages of mistakes that people make, word by word.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';

type Untyped = (options: unknown) => Promise<Memory>;
const open = Memory.open as Untyped;

let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

/** The code and the message of the error by which a call fails, with HOST:PORT for the server's address. */
async function failureOf(call: () => unknown, address = /127\.0\.0\.1:\d+/g): Promise<string> {
  try {
    await call();
    return 'nothing failed';
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message.replaceAll(address, 'HOST:PORT')}`;
  }
}

describe('opening', () => {
  test.each<[string, unknown, string]>([
    ['a misspelled option', { ur: 'redis://localhost' }, 'no option "ur": did you mean url?'],
    [
      'an option of another client',
      { host: 'localhost', port: 6379 },
      'no option "host": write it into the URL: url: \'redis://:PASSWORD@HOST:PORT/DATABASE\'',
    ],
    [
      'a client',
      createClient(),
      "this is a Redis client, not options: import Memory from 'synced-memory/edge' and pass { transport: ioredis(client) } or { transport: nodeRedis(client) }",
    ],
    [
      'a client as a transport',
      { transport: createClient() },
      'transport is a Redis client: wrap it, as ioredis(client) or nodeRedis(client)',
    ],
    [
      'a URL that is undefined',
      { url: undefined },
      'url is undefined, which is what process.env has for a variable that is not set; set the variable, or leave url out for the default server or file',
    ],
    [
      'parameters of a URL',
      'redis://localhost?tls=true',
      'the URL has parameters after ? that nothing reads: pass settings as options of open, and write ? in a password as %3F',
    ],
    [
      'certificates for a connection in plain text',
      { url: 'redis://localhost', tls: {} },
      'tls has certificates, and redis: connections are not encrypted; write rediss: for redis:, or leave tls out',
    ],
    ['a transport of another kind', { transport: {} }, 'transport must have a method execute'],
    ['a URL without a scheme', 'localhost:6379', 'url has no scheme: did you mean redis://localhost:6379?'],
    [
      'a schema of the whole state',
      { url: 'memory:', schema: { '~standard': {} } },
      'schema takes one validator per attribute: pass its .shape or .entries',
    ],
    [
      'defaults that are an array',
      { defaults: [1] },
      'defaults must be an object of values by attribute: { tasks: [] }',
    ],
  ])('%s', async (_, options, message) => {
    expect(await failureOf(() => open(options))).toBe(`ERR_OPTIONS ${message}`);
  });

  test('by new', async () => {
    const message = 'new opens no memory; use await Memory.open(options)';
    expect(await failureOf(() => Reflect.construct(Memory as never, ['memory:']))).toBe(`ERR_NOT_SUPPORTED ${message}`);
  });

  test('an unknown option that is near no other lists all', async () => {
    expect(await failureOf(() => open({ retries: 3 }))).toMatch(
      /^ERR_OPTIONS no option "retries"; the options are url, /,
    );
  });

  test('a URL without a scheme in a variable', async () => {
    vi.stubEnv('SYNCED_MEMORY_URL', 'cache.internal:6379/2');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await failureOf(() => Memory.open())).toBe(
      'ERR_OPTIONS SYNCED_MEMORY_URL has no scheme: did you mean redis://cache.internal:6379/2?',
    );
  });

  test.skipIf(onWasm)('a server that is another one than expected', async () => {
    const http = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const secured = await startRedisServer(['--requirepass', 'secret']);
    onTestFinished(async () => {
      http.close();
      await secured.stop();
    });
    const { port } = http.address() as AddressInfo;
    const failures = await Promise.all(
      [
        `redis://127.0.0.1:${port}`,
        secured.url,
        server.url.replace('redis:', 'redis+cluster:'),
        `${server.url}/99`,
      ].map((url) => failureOf(() => Memory.open(url))),
    );
    expect(failures).toEqual([
      'ERR_NOT_REDIS HOST:PORT does not speak the protocol of Redis; correct host and port',
      'ERR_AUTH HOST:PORT requires a password; use redis://:PASSWORD@HOST:PORT',
      'ERR_NOT_CLUSTER HOST:PORT is not a node of a cluster; use redis://HOST:PORT',
      expect.stringMatching(/^ERR_DATABASE HOST:PORT has no database 99: .*; correct the database in the URL$/),
    ]);
  });
});

describe('calls', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the calls are wrong on purpose
  let mem: any;
  beforeEach(async () => {
    mem = await Memory.open({ url: server.url, maxDocumentBytes: 1000 });
    mem.stats = { hits: 1 };
    mem.todo = [1];
    return () => mem.$close();
  });

  test.each<[string, () => unknown, string]>([
    ['a name instead of names', () => mem.$load('todo'), "ERR_OPTIONS names must be an array: $load(['todo'])"],
    [
      'a method without its memory',
      () => {
        const { $flush } = mem;
        return $flush();
      },
      'ERR_OPTIONS $flush lost its memory: call it as mem.$flush()',
    ],
    [
      'a mutation of the memory in a transaction',
      () => mem.$transaction(() => mem.todo.push(2)),
      'ERR_NOT_SUPPORTED todo: this mutation is of the memory and not of the draft, so it is not part of the transaction; mutate the draft that the function gets: draft.todo',
    ],
    [
      'a transaction inside a transaction that read the same',
      () => mem.$transaction(async (draft: typeof mem) => draft.todo.push(await mem.$update('todo', () => [2]))),
      'ERR_NOT_SUPPORTED todo: a transaction inside another one changes it, and the outer one has read or changed it, so the outer one could never be committed; use the draft of the outer one for both',
    ],
    [
      'an increment below an absent attribute',
      () => mem.$increment(['nope', 'a']),
      'ERR_NOT_FOUND nope: does not exist; create it first, for example with defaults: { nope: {} }',
    ],
    [
      'an increment below an absent key',
      () => mem.$increment(['stats', 'days', 'monday']),
      'ERR_NOT_FOUND stats.days: does not exist; create it first',
    ],
    [
      'an increment below a number',
      () => mem.$increment(['stats', 'hits', 'monday']),
      'ERR_NOT_FOUND stats.hits: is neither a list nor a dict',
    ],
    [
      'an increment of a path as text',
      () => mem.$increment('stats.hits'),
      "ERR_OPTIONS 'stats.hits' names one attribute; for a path pass ['stats', 'hits']",
    ],
    [
      'a listener to a path as text',
      () => mem.$on('change', () => {}, 'stats.hits'),
      "ERR_OPTIONS 'stats.hits' names one attribute; for a path pass ['stats', 'hits']",
    ],
    [
      'an increment by NaN',
      () => mem.$increment('n', Number.NaN),
      'ERR_OPTIONS $increment takes a finite number or a bigint',
    ],
    [
      'a document that is too large',
      () => {
        mem.text = 'x'.repeat(2000);
      },
      'ERR_TOO_LARGE text: the document would have 2,002 bytes; the limit is 1,000 (maxDocumentBytes): raise it, or split the document over several attributes',
    ],
    [
      'a value that is too deep',
      () => {
        mem.deep = Array.from({ length: 600 }).reduce((inner) => ({ o: inner }), {});
      },
      'ERR_TOO_DEEP deep.o.o.o…(512 levels)….o: nested deeper than 512 containers; flatten it or spread it over several attributes',
    ],
    ['a number instead of options', () => mem.$flush(5), 'ERR_OPTIONS $flush takes { timeout, replicas }'],
    ['a number instead of a function', () => mem.$transaction(5), 'ERR_OPTIONS $transaction takes a function'],
  ])('%s', async (_, call, message) => {
    expect(await failureOf(call)).toBe(message);
  });

  test('asynchronous methods reject, and never throw', async () => {
    const calls = [
      () => mem.$transaction(5),
      () => mem.$update('todo', 5),
      () => mem.$flush({ timeout: 'soon' }),
      () => mem.$increment(),
      () => mem.$shift(),
      () => mem.$load(),
      () => mem.$expire('todo', 'later'),
      () => mem.$persist('a:b'),
      () => mem.$ttl('a:b'),
      () => mem.$scope(''),
    ];
    const results = calls.map((call) => call());
    for (const result of results) {
      await expect(result).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(OPTIONS|RESERVED_NAME)$/) });
    }
  });

  test('a listener that throws is printed with its stack', async () => {
    const warning = once(process, 'warning');
    mem.$on('change', () => {
      throw new TypeError('of the listener');
    });
    mem.todo.push(2);
    const [{ name, message }] = await warning;
    expect(name).toBe('SyncedMemoryListenerWarning');
    expect(message).toMatch(/^a listener of "change" threw: TypeError: of the listener\n {4}at .*messages\.test\.ts/);
  });
});
