// A master, its replica and a sentinel on this machine.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';
import { until } from './until.mjs';

/** @typedef {Awaited<ReturnType<typeof startRedisServer>>} Server */
/** @typedef {Server & { says(text: string): Promise<string> }} Sentinel */
/** @typedef {import('./cluster.mjs').TlsFiles} TlsFiles */

/** A master named `main`, a replica, and one sentinel with a quorum of one. */
export class Watched {
  /** @type {Sentinel} */
  sentinel;
  #usesTls;

  /** @param {Server} master @param {Server} replica @param {Sentinel} sentinel @param {boolean} usesTls */
  constructor(master, replica, sentinel, usesTls) {
    /** The server that is the master now. */
    this.master = master;
    /** The other one. */
    this.replica = replica;
    this.sentinel = sentinel;
    this.#usesTls = usesTls;
  }

  /** With files for TLS, nothing is sent in plain text. @param {TlsFiles} [tls] */
  static async start(tls) {
    const prompt = ['--repl-diskless-sync-delay', '0'];
    const master = await startServer(prompt, tls);
    const replica = await startServer([...prompt, '--replicaof', '127.0.0.1', String(master.port)], tls);
    const watched = new Watched(master, replica, await startSentinel(master.port, tls), tls !== undefined);
    await watched.linked();
    return watched;
  }

  get url() {
    return `${this.#usesTls ? 'rediss' : 'redis'}+sentinel://127.0.0.1:${this.sentinel.port}/main`;
  }

  /** Resolves when the sentinel knows the replica and its link to the master, so that a fail-over is possible. */
  async linked() {
    const isLinked = async () => {
      const replicas = JSON.stringify(await ask(this.sentinel.url, 'SENTINEL', 'REPLICAS', 'main'));
      return replicas.includes('"master-link-status","ok"') && replicas.includes('"role-reported","slave"');
    };
    await until('the sentinel knows the replica and its link to the master', isLinked, 60_000);
    // It is paused if it was the master.
    await ask(this.replica.url, 'CLIENT', 'UNPAUSE');
  }

  /** Fails over after the replica has everything, so that nothing acknowledged is lost. */
  async failOver() {
    await ask(this.master.url, 'CLIENT', 'PAUSE', '20000', 'WRITE');
    const offset = async (/** @type {string} */ url) =>
      /(?:slave|master)_repl_offset:(\d+)/.exec(String(await ask(url, 'INFO', 'replication')))?.[1];
    const hasAll = async () => (await offset(this.master.url)) === (await offset(this.replica.url));
    await until('the replica has everything', hasAll);
    const switched = this.sentinel.says('+switch-master');
    await ask(this.sentinel.url, 'SENTINEL', 'FAILOVER', 'main');
    await switched;
    [this.master, this.replica] = [this.replica, this.master];
  }

  async stop() {
    await Promise.all([this.sentinel.stop(), this.master.stop(), this.replica.stop()]);
  }
}

/** @param {string[]} options @param {TlsFiles} [tls] @returns {Promise<Server>} */
async function startServer(options, tls) {
  if (tls === undefined) return startRedisServer(options);
  const port = await freePort();
  const server = await startRedisServer(['--port', '0', ...tlsSettings(port, tls, '--'), ...options]);
  return { ...server, port, url: `rediss://127.0.0.1:${port}` };
}

/**
 * Settings of a server or a sentinel, as words; `mark` is put before each name.
 * @param {number} port @param {TlsFiles} files @param {string} mark
 */
function tlsSettings(port, { ca, cert, key }, mark) {
  const settings = { 'tls-port': String(port), 'tls-ca-cert-file': ca, 'tls-cert-file': cert, 'tls-key-file': key };
  const all = { ...settings, 'tls-replication': 'yes', 'tls-auth-clients': 'optional' };
  return Object.entries(all).flatMap(([name, value]) => [`${mark}${name}`, value]);
}

/** @param {string} url @param {string[]} command @returns {Promise<unknown>} */
async function ask(url, ...command) {
  const tls = url.startsWith('rediss')
    ? { socket: { tls: /** @type {const} */ (true), rejectUnauthorized: false } }
    : {};
  const client = createClient({ url, RESP: 2, ...tls });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

/** @param {number} master @param {TlsFiles} [tls] @returns {Promise<Sentinel>} */
async function startSentinel(master, tls) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const monitor = [`monitor main 127.0.0.1 ${master} 1`, 'down-after-milliseconds main 500'];
  const lines = [...monitor, 'failover-timeout main 5000'].map((line) => `sentinel ${line}`);
  const words = tls === undefined ? ['port', String(port)] : ['port', '0', ...tlsSettings(port, tls, '')];
  const ports = words.flatMap((word, index) => (index % 2 === 0 ? [`${word} ${words[index + 1]}`] : []));
  writeFileSync(file, [...ports, 'bind 127.0.0.1', `dir ${folder}`, ...lines, ''].join('\n'));
  const binary = process.env.SYNCED_MEMORY_TEST_SERVER ?? 'redis-server';
  const child = spawn(binary, [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const log = createInterface({ input: child.stdout });
  /** Resolves to the next line of the log that has the text. @param {string} text @returns {Promise<string>} */
  const says = (text) =>
    new Promise((resolve, reject) => {
      const end = () => reject(new Error(`the sentinel ended before it said ${text}`));
      const listen = (/** @type {string} */ line) => {
        if (!line.includes(text)) return;
        log.off('line', listen);
        child.off('exit', end);
        resolve(line);
      };
      log.on('line', listen);
      child.once('exit', end);
    });
  await says('+monitor master');
  return {
    port,
    url: `${tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${port}`,
    says,
    signal: (name) => void child.kill(name),
    async stop() {
      process.off('exit', kill);
      kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
