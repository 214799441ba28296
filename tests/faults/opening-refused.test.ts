// Errors of an opening that waiting cannot mend: it rejects at once, with a code of their own.
import { once as event } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createClient } from 'redis';
import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';
import { DurableRedis, once } from './redis.js';

let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

/** The error of an opening that would wait for ever. */
const refusalOf = (url: string, options = {}): Promise<SyncedMemoryError> =>
  Memory.open({ url, openTimeout: Number.POSITIVE_INFINITY, ...options }).then(
    () => expect.unreachable('it opened'),
    (error) => error,
  );

async function listening(other: Server): Promise<string> {
  other.listen(0, '127.0.0.1');
  await event(other, 'listening');
  onTestFinished(() => void other.close());
  return `127.0.0.1:${(other.address() as AddressInfo).port}`;
}

test('a database that the server does not have', async () => {
  const error = await refusalOf(`${server.url}/99`);
  expect(error).toMatchObject({
    code: 'ERR_DATABASE',
    message: expect.stringMatching(/out of range.*correct the database in the URL/),
  });
});

test('a server of HTTP', async () => {
  const http = createHttpServer((_, response) => response.end('hello'));
  const address = await listening(http);
  expect(await refusalOf(`redis://${address}`)).toMatchObject({
    code: 'ERR_NOT_REDIS',
    message: expect.stringMatching(/does not speak the protocol of Redis.*host and port/),
  });
  if (onWasm) return;
  expect(() =>
    Memory.openSync({ url: server.url.replace(/\d+$/, address.replace(/.*:/, '')), openTimeout: 1 }),
  ).toThrow(expect.objectContaining({ code: 'ERR_UNREACHABLE' }));
});

test('a server that greets first', async () => {
  const ssh = createServer((socket) => socket.on('error', () => {}).write('SSH-2.0-OpenSSH_9.2\r\n'));
  expect(await refusalOf(`redis://${await listening(ssh)}`)).toMatchObject({ code: 'ERR_NOT_REDIS' });
});

test('a server of TLS that is asked in plain text', async () => {
  // The alert protocol_version.
  const alert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]);
  const tls = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(alert)));
  expect(await refusalOf(`redis://${await listening(tls)}`)).toMatchObject({
    code: 'ERR_TLS',
    message: expect.stringContaining('rediss:'),
  });
});

test.skipIf(onWasm)('a server that is no node of a cluster', async () => {
  const url = server.url.replace('redis:', 'redis+cluster:');
  expect(await refusalOf(url)).toMatchObject({
    code: 'ERR_NOT_CLUSTER',
    message: expect.stringMatching(/not a node of a cluster.*redis:/),
  });
  expect(() => Memory.openSync({ url })).toThrow(expect.objectContaining({ code: 'ERR_NOT_CLUSTER' }));
  // Another node may be one: an error that may pass does not hide the one that lasts.
  const away = url.replace('//', '//127.0.0.1:1,');
  expect(await refusalOf(away)).toMatchObject({ code: 'ERR_NOT_CLUSTER' });
});

test('a user who may not list the names can open with names', async () => {
  const admin = await createClient({ url: server.url }).connect();
  onTestFinished(() => admin.destroy());
  await admin.sendCommand(['ACL', 'SETUSER', 'blind', 'on', '>password', '~*', '&*', '+@all', '-scan']);
  await admin.set('memory:there', '{"value":1,"last_modified":1763000000000000000}');
  const url = server.url.replace('redis://', 'redis://blind:password@');
  const errors: unknown[] = [];
  const onError = ({ code }: SyncedMemoryError) => errors.push(code);
  expect(await refusalOf(url, { onError })).toMatchObject({
    code: 'ERR_REFUSED',
    message: expect.stringMatching(/names of the attributes cannot be listed.*NOPERM.*open the memory with names/),
  });
  const offline = await Memory.open({ url, offline: true, onError });
  await expect(offline.$ready()).rejects.toMatchObject({ code: 'ERR_REFUSED' });
  expect(() => offline.absent).toThrow(expect.objectContaining({ code: 'ERR_NOT_LOADED' }));
  await offline.$load(['absent', 'there']);
  expect([offline.absent, offline.there]).toEqual([undefined, 1]);
  await offline.$close();
  expect(new Set(errors)).toEqual(new Set(['ERR_REFUSED']));
  const mem = await Memory.open({ url, names: ['there'] });
  expect(mem.there).toBe(1);
  await mem.$close();
});

test('a server that comes back with another password: an open memory waits, a new one is refused', async () => {
  const redis = await DurableRedis.prepare();
  onTestFinished(() => redis.remove());
  await redis.start('--requirepass', 'first');
  const url = redis.url.replace('//', '//:first@');
  const mem = await Memory.open({ url, onError: () => {} });
  await redis.kill();
  const refused = new Promise<void>((resolve) => {
    mem.$on('disconnect', ({ code }) => {
      if (code === 'ERR_AUTH') resolve();
    });
  });
  await redis.start('--requirepass', 'second');
  await refused;
  mem.list = [1];
  expect(mem.$status).toMatchObject({ state: 'disconnected', pending: 1, lastError: { code: 'ERR_AUTH' } });
  expect(await refusalOf(url)).toMatchObject({ code: 'ERR_AUTH' });
  const connected = once((listener) => mem.$on('connect', listener));
  await redis.kill();
  await redis.start('--requirepass', 'first');
  await connected;
  await mem.$close();
  const other = await Memory.open(url);
  expect(other.list).toEqual([1]);
  await other.$close();
});
