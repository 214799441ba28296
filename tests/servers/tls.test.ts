import { Memory, type SyncedMemoryError, type TlsOptions } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';
import { once } from '../faults/redis.js';
import { Certificates, knowsTls } from './certificates.js';
import { Cluster } from './cluster.mjs';
import { Watched } from './sentinel.mjs';

const certificates = new Certificates();
const file = (name: string) => certificates.file(name);
const pem = (name: string) => certificates.pem(name);
afterAll(() => certificates.remove());

describe.skipIf(!knowsTls)('TLS', () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let url: string;
  let mutual: string;
  beforeAll(async () => {
    certificates.authority('ours');
    certificates.authority('theirs');
    certificates.certificate('server', 'ours');
    certificates.certificate('client', 'ours');
    certificates.certificate('stranger', 'theirs');
    const [port, mutualPort] = [await freePort(), await freePort()];
    const files = ['--tls-cert-file', file('server.crt'), '--tls-key-file', file('server.key')];
    const authorities = ['--tls-ca-cert-file', file('ours.crt')];
    server = await startRedisServer([
      '--tls-port',
      String(port),
      ...files,
      ...authorities,
      '--tls-auth-clients',
      'optional',
    ]);
    const strict = await startRedisServer(['--tls-port', String(mutualPort), ...files, ...authorities]);
    const { stop } = server;
    server.stop = () => Promise.all([stop(), strict.stop()]).then(() => {});
    url = `rediss://127.0.0.1:${port}`;
    mutual = `rediss://localhost:${mutualPort}`;
  });
  afterAll(async () => {
    await server.stop();
  });

  const refused = async (url: string, tls?: TlsOptions): Promise<SyncedMemoryError> =>
    Memory.open({ url, openTimeout: 6_000, onError: () => {}, ...(tls === undefined ? {} : { tls }) }).then(
      () => expect.unreachable('it opened'),
      (error) => error,
    );

  test('a private authority', async () => {
    const open = () => Memory.open<{ log: number[] }>({ url, tls: { ca: pem('ours.crt') } });
    const [mine, theirs] = [await open(), await open()];
    mine.log = [1];
    mine.log.push(2);
    await mine.$flush();
    await theirs.$sync();
    expect(theirs.log).toEqual([1, 2]);
    await mine.$close();
    await theirs.$close();
  });

  test('an unknown or missing authority is refused', async () => {
    for (const tls of [{ ca: pem('theirs.crt') }, undefined]) {
      const error = await refused(url, tls);
      expect(error).toMatchObject({
        code: 'ERR_CERTIFICATE',
        message: expect.stringMatching(/UnknownIssuer.*tls\.ca/),
      });
    }
    expect(() => Memory.openSync({ url, tls: { ca: pem('theirs.crt') } })).toThrow(
      expect.objectContaining({ code: 'ERR_CERTIFICATE' }),
    );
  });

  test('a server that asks for a certificate', async () => {
    const ca = pem('ours.crt');
    const client = { cert: pem('client.crt'), key: pem('client.key') };
    const mem = await Memory.open<{ secret: number }>({ url: mutual, tls: { ca, ...client } });
    mem.secret = 7;
    await mem.$flush();
    await mem.$close();
    expect(await refused(mutual, { ca })).toMatchObject({ code: 'ERR_CERTIFICATE' });
    const stranger = { cert: pem('stranger.crt'), key: pem('stranger.key') };
    const error = await refused(mutual, { ca, ...stranger });
    expect(error.code).toBe('ERR_CERTIFICATE');
    expect(`${error.stack}`).not.toContain('PRIVATE');
  });

  test('TLS to a plain port, and plain text to a TLS port', async () => {
    const silent = await refused(`rediss://127.0.0.1:${server.port}`, { ca: pem('ours.crt') });
    expect(silent).toMatchObject({
      code: 'ERR_UNREACHABLE',
      message: expect.stringContaining('a port for TLS?'),
    });
    const plain = await refused(url.replace('rediss', 'redis'));
    // The server closes the connection without a word.
    expect(plain).toMatchObject({ code: 'ERR_UNREACHABLE', message: expect.stringContaining('a port for TLS only?') });
  });

  test('unusable certificates', async () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    for (const tls of [
      { ca: 'ours.crt' },
      { ca: broken },
      { cert: pem('client.crt') },
      { servername: 'localhost' } as TlsOptions,
    ]) {
      expect((await refused(url, tls)).code).toBe('ERR_OPTIONS');
    }
  });
});

describe.skipIf(!knowsTls)('TLS on several servers', () => {
  const open = (url: string) => Memory.open<{ log: number[] }>({ url, tls: { ca: pem('authority.crt') } });
  const numbers = (length: number) => Array.from({ length }, (_, n) => n);

  test('a cluster: every node, the subscription and the map of slots', async () => {
    const cluster = await Cluster.start({ tls: certificates.server() });
    onTestFinished(() => cluster.stop());
    const mem = await open(cluster.url);
    const other = await open(`REDISS+cluster://127.0.0.1:${cluster.nodes[1].port}`);
    expect(mem.$status.capabilities).toMatchObject({ topology: 'cluster', deltas: true, changes: 'broadcast' });
    mem.log = [];
    await mem.$flush();
    const slot = await cluster.slot('memory:log');
    for (const n of numbers(100)) {
      mem.log.push(n);
      if (n === 50) await cluster.moveSlot(slot, cluster.owner(slot), cluster.owner((slot + 6000) % 16384));
    }
    await mem.$flush();
    await other.$sync();
    expect(other.log).toEqual(numbers(100));
    await Promise.all([mem.$close(), other.$close()]);
    await expect(Memory.open({ url: cluster.url, onError: () => {} })).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE',
    });
  });

  test('Sentinel: the sentinel, the master, and the new master after a fail-over', async () => {
    const servers = await Watched.start(certificates.server());
    onTestFinished(() => servers.stop());
    expect(servers.url).toMatch(/^rediss\+sentinel:/);
    const mem = await open(servers.url);
    expect(mem.$status.state).toBe('connected');
    mem.log = [0];
    await mem.$flush();
    const connected = once((listener) => mem.$on('connect', listener));
    await servers.failOver();
    await connected;
    mem.log.push(1);
    await mem.$flush();
    const direct = await open(servers.master.url);
    expect(direct.log).toEqual([0, 1]);
    await Promise.all([mem.$close(), direct.$close()]);
  });
});
