import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { anyBackend, dragonflydb, redis } from '../src/entry/environment-defaults.js';
import { resolveOptions } from '../src/memory/resolve-options.js';

const variables = ['URL', 'HOST', 'PORT', 'PREFIX'].flatMap((name) => [`REDIS_${name}`, `DRAGONFLYDB_${name}`]);

beforeEach(() => {
  for (const name of ['SYNCED_MEMORY_URL', 'NODE_ENV', ...variables]) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** The URL that an entry point uses under these environment variables. */
function url(defaults: typeof anyBackend, env: Record<string, string>, option?: string): string {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return resolveOptions(option === undefined ? [] : [option], defaults).url;
}

describe('the URL comes from the first of these', () => {
  const all = { SYNCED_MEMORY_URL: 'redis://own', REDIS_URL: 'redis://url', REDIS_HOST: 'host', REDIS_PORT: '7000' };
  const { SYNCED_MEMORY_URL, ...withoutOwn } = all;
  const { REDIS_URL, ...hostAndPort } = withoutOwn;

  test.each([
    ['the option', all, 'memory:', 'memory:'],
    ['SYNCED_MEMORY_URL', all, undefined, SYNCED_MEMORY_URL],
    ['REDIS_URL', withoutOwn, undefined, REDIS_URL],
    ['REDIS_HOST and REDIS_PORT', hostAndPort, undefined, 'redis://host:7000'],
    ['REDIS_HOST alone', { REDIS_HOST: 'host' }, undefined, 'redis://host:6379'],
    ['REDIS_PORT alone', { REDIS_PORT: '7000' }, undefined, 'redis://localhost:7000'],
    ['an IPv6 address', { REDIS_HOST: '::1' }, undefined, 'redis://[::1]:6379'],
    ['the default, if a variable is empty', { REDIS_URL: '' }, undefined, 'file:.synced-memory/memory.db'],
    ['the embedded file, if nothing is set', {}, undefined, 'file:.synced-memory/memory.db'],
  ])('%s', (_, env, option, expected) => {
    expect(url(anyBackend, env, option)).toBe(expected);
  });

  test('the embedded file is no default in production', () => {
    const error = expect.objectContaining({ code: 'ERR_OPTIONS', message: expect.stringContaining('REDIS_URL') });
    expect(() => url(anyBackend, { NODE_ENV: 'production' })).toThrow(error);
    expect(url(anyBackend, { NODE_ENV: 'production' }, 'file:x.db')).toBe('file:x.db');
    expect(url(redis, { NODE_ENV: 'production' })).toBe('redis://localhost:6379');
  });
});

describe('synced-memory/dragonflydb', () => {
  test.each([
    [{ SYNCED_MEMORY_URL: 'redis://own', DRAGONFLYDB_URL: 'redis://url' }, 'redis://own'],
    [{ DRAGONFLYDB_URL: 'redis://url', DRAGONFLYDB_HOST: 'host' }, 'redis://url'],
    [{ DRAGONFLYDB_HOST: 'host', REDIS_HOST: 'other', REDIS_PORT: '7000' }, 'redis://host:6379'],
    // The Python package reads these variables for every server.
    [{ REDIS_HOST: 'host', REDIS_PORT: '7000' }, 'redis://host:7000'],
    [{}, 'redis://localhost:6379'],
  ])('%o', (env, expected) => {
    expect(url(dragonflydb, env)).toBe(expected);
  });
});

test('the prefix comes from the option, the variable, or else is memory:', () => {
  expect(resolveOptions(['memory:'], anyBackend).prefix).toBe('memory:');
  vi.stubEnv('REDIS_PREFIX', 'redis:');
  expect(resolveOptions(['memory:'], anyBackend).prefix).toBe('redis:');
  expect(resolveOptions(['memory:'], dragonflydb).prefix).toBe('redis:');
  vi.stubEnv('DRAGONFLYDB_PREFIX', 'dragon:');
  expect(resolveOptions(['memory:'], dragonflydb).prefix).toBe('dragon:');
  expect(resolveOptions([{ url: 'memory:', prefix: 'mine:' }], dragonflydb).prefix).toBe('mine:');
});

test.each(['s', 'sm', 'sm:', 'sm:mine:', 'sm:{mine:'])(
  'the prefix %j is refused, because side keys have it',
  (prefix) => {
    expect(() => resolveOptions([{ url: 'memory:', prefix }], anyBackend)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTIONS',
        message: expect.stringContaining(`prefix ${JSON.stringify(prefix)}`),
      }),
    );
  },
);

test.each(['sma:', 'x', '{sm:}', 'SM:'])('the prefix %j is allowed', (prefix) => {
  expect(resolveOptions([{ url: 'memory:', prefix }], anyBackend).prefix).toBe(prefix);
});

describe('a server that is undefined would be another one', () => {
  const refused = (...args: Parameters<typeof resolveOptions>[0]) => {
    const error = expect.objectContaining({ code: 'ERR_OPTIONS', message: expect.stringContaining('process.env') });
    expect(() => resolveOptions(args, anyBackend)).toThrow(error);
  };

  test('as the argument, as url and as transport it is refused', () => {
    refused(undefined);
    refused({ url: undefined } as never);
    refused({ transport: undefined } as never);
    refused({ url: undefined, transport: undefined } as never);
  });

  test('beside one that is given it is nothing', () => {
    expect(resolveOptions([{ url: 'memory:', transport: undefined } as never], anyBackend).url).toBe('memory:');
    const transport = { execute: async () => [] };
    expect(resolveOptions([{ url: undefined, transport } as never], anyBackend).url).toBe('transport:');
    expect(() => resolveOptions([null as never], anyBackend)).toThrow('options must be an object or a URL');
  });
});

test('certificates for a connection without TLS are refused', () => {
  for (const url of [
    'redis://h',
    'redis+unix:///s',
    'redis+cluster://h',
    'redis+sentinel://h/m',
    'file:x',
    'memory:',
  ]) {
    const error = expect.objectContaining({ code: 'ERR_OPTIONS', message: expect.stringContaining('rediss:') });
    expect(() => resolveOptions([{ url, tls: {} }], anyBackend)).toThrow(error);
  }
  for (const url of ['rediss://h', 'REDISS+cluster://h', 'rediss+sentinel://h/m']) {
    expect(resolveOptions([{ url, tls: {} }], anyBackend).tls).toEqual({});
  }
});

test.each([[[1]], ['text'], [null], [new Map([['a', 1]])]])('the defaults %o are refused', (defaults) => {
  const options = { url: 'memory:', defaults } as never;
  const error = expect.objectContaining({ code: 'ERR_OPTIONS', message: expect.stringContaining('{ tasks: [] }') });
  expect(() => resolveOptions([options], anyBackend)).toThrow(error);
});
