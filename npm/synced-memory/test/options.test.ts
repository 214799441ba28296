import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { anywhere, dragonflydb, redis } from '../src/environment.js';
import { settle } from '../src/options.js';

const variables = ['URL', 'HOST', 'PORT', 'PREFIX'].flatMap((name) => [`REDIS_${name}`, `DRAGONFLYDB_${name}`]);

beforeEach(() => {
  for (const name of ['SYNCED_MEMORY_URL', 'NODE_ENV', ...variables]) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** The URL that an entry point uses under these environment variables. */
function url(defaults: typeof anywhere, env: Record<string, string>, option?: string): string {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return settle(option, defaults).url;
}

describe('where the URL comes from, in this order', () => {
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
    ['a variable that is empty does not count', { REDIS_URL: '' }, undefined, 'file:.synced-memory/memory.db'],
    ['the embedded file', {}, undefined, 'file:.synced-memory/memory.db'],
  ])('%s', (_, env, option, expected) => {
    expect(url(anywhere, env, option)).toBe(expected);
  });

  test('in production there is no file by default', () => {
    const error = expect.objectContaining({ code: 'ERR_OPTIONS', message: expect.stringContaining('REDIS_URL') });
    expect(() => url(anywhere, { NODE_ENV: 'production' })).toThrow(error);
    expect(url(anywhere, { NODE_ENV: 'production' }, 'file:x.db')).toBe('file:x.db');
    expect(url(redis, { NODE_ENV: 'production' })).toBe('redis://localhost:6379');
  });
});

describe('synced-memory/dragonflydb', () => {
  test.each([
    [{ SYNCED_MEMORY_URL: 'redis://own', DRAGONFLYDB_URL: 'redis://url' }, 'redis://own'],
    [{ DRAGONFLYDB_URL: 'redis://url', DRAGONFLYDB_HOST: 'host' }, 'redis://url'],
    [{ DRAGONFLYDB_HOST: 'host', REDIS_HOST: 'other', REDIS_PORT: '7000' }, 'redis://host:6379'],
    // The variables that the Python package reads on every server.
    [{ REDIS_HOST: 'host', REDIS_PORT: '7000' }, 'redis://host:7000'],
    [{}, 'redis://localhost:6379'],
  ])('%o', (env, expected) => {
    expect(url(dragonflydb, env)).toBe(expected);
  });
});

test('the prefix: the option, the variable, memory:', () => {
  expect(settle('memory:', anywhere).prefix).toBe('memory:');
  vi.stubEnv('REDIS_PREFIX', 'redis:');
  expect(settle('memory:', anywhere).prefix).toBe('redis:');
  expect(settle('memory:', dragonflydb).prefix).toBe('redis:');
  vi.stubEnv('DRAGONFLYDB_PREFIX', 'dragon:');
  expect(settle('memory:', dragonflydb).prefix).toBe('dragon:');
  expect(settle({ url: 'memory:', prefix: 'mine:' }, dragonflydb).prefix).toBe('mine:');
});
