import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Memory, type SyncedMemoryError, type TlsOptions } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'synced-memory-tls-'));
const file = (name: string) => join(folder, name);
const pem = (name: string) => readFileSync(file(name), 'utf8');
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

/** An authority `name`.crt. */
function authority(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`, ...subject);
}

/** A certificate `name`.crt that `ca` has signed. */
function certificate(name: string, ca: string): void {
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${name}`,
  );
  writeFileSync(file('extensions'), 'subjectAltName = IP:127.0.0.1, DNS:localhost\n');
  const signer = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-extfile', 'extensions', '-days', '2'];
  openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signer);
}

// Not every build of a server knows TLS.
const help = execFileSync(process.env.SYNCED_MEMORY_TEST_SERVER ?? 'redis-server', ['--version'], { encoding: 'utf8' });
const knowsTls = process.env.SYNCED_MEMORY_TEST_SERVER === undefined;

describe.skipIf(!knowsTls)(`TLS (${help.slice(0, 20)})`, () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let url: string;
  let mutual: string;
  beforeAll(async () => {
    authority('ours');
    authority('theirs');
    certificate('server', 'ours');
    certificate('client', 'ours');
    certificate('stranger', 'theirs');
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
    rmSync(folder, { recursive: true });
  });

  const refused = async (url: string, tls?: TlsOptions): Promise<SyncedMemoryError> =>
    Memory.open({ url, onError: () => {}, ...(tls === undefined ? {} : { tls }) }).then(
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

  test('another authority, or none of its own, is refused', async () => {
    for (const tls of [{ ca: pem('theirs.crt') }, undefined]) {
      const error = await refused(url, tls);
      expect(error).toMatchObject({ code: 'ERR_TLS', message: expect.stringMatching(/UnknownIssuer.*tls\.ca/) });
    }
    expect(() => Memory.openSync({ url, tls: { ca: pem('theirs.crt') } })).toThrow(
      expect.objectContaining({ code: 'ERR_TLS' }),
    );
  });

  test('a server that asks for a certificate', async () => {
    const ca = pem('ours.crt');
    const client = { cert: pem('client.crt'), key: pem('client.key') };
    const mem = await Memory.open<{ secret: number }>({ url: mutual, tls: { ca, ...client } });
    mem.secret = 7;
    await mem.$flush();
    await mem.$close();
    expect(await refused(mutual, { ca })).toMatchObject({ code: 'ERR_TLS' });
    const stranger = { cert: pem('stranger.crt'), key: pem('stranger.key') };
    const error = await refused(mutual, { ca, ...stranger });
    expect(error.code).toBe('ERR_TLS');
    expect(`${error.stack}`).not.toContain('PRIVATE');
  });

  test('TLS where there is none, and none where there is', async () => {
    const waiting = await Memory.open({ url: `rediss://127.0.0.1:${server.port}`, tls: { ca: pem('ours.crt') } });
    expect(waiting.$status.lastError?.message).toContain('a port for TLS?');
    const plain = await Memory.open({ url: url.replace('rediss', 'redis') });
    expect(plain.$status).toMatchObject({ state: 'disconnected', lastError: { code: 'ERR_UNAVAILABLE' } });
    await waiting.$close();
    await plain.$close();
  });

  test('certificates that cannot be used', async () => {
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
