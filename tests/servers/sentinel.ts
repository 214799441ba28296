import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';
import type { TlsFiles } from './cluster.mjs';
import { until } from './until.mjs';

type Server = Awaited<ReturnType<typeof startRedisServer>>;

/** A master named `main`, a replica, and one sentinel with a quorum of one. */
export class Watched {
  private constructor(
    readonly master: Server,
    readonly replica: Server,
    readonly sentinel: Server & { says(text: string): Promise<string> },
    private readonly usesTls: boolean,
  ) {}

  /** With files for TLS, nothing is sent in plain text. */
  static async start(tls?: TlsFiles): Promise<Watched> {
    const prompt = ['--repl-diskless-sync-delay', '0'];
    const master = await startServer(prompt, tls);
    const replica = await startServer([...prompt, '--replicaof', '127.0.0.1', String(master.port)], tls);
    const watched = new Watched(master, replica, await startSentinel(master.port, tls), tls !== undefined);
    const link = () => ask(watched.sentinel.url, 'SENTINEL', 'REPLICAS', 'main');
    const isLinked = async () => JSON.stringify(await link()).includes('"master-link-status","ok"');
    await until('the sentinel knows the replica and its link to the master', isLinked);
    return watched;
  }

  get url(): string {
    return `${this.usesTls ? 'rediss' : 'redis'}+sentinel://127.0.0.1:${this.sentinel.port}/main`;
  }

  /** Fails over after the replica has everything, so that nothing acknowledged is lost. */
  async failOver(): Promise<void> {
    await ask(this.master.url, 'CLIENT', 'PAUSE', '20000', 'WRITE');
    const offset = async (url: string) =>
      /(?:slave|master)_repl_offset:(\d+)/.exec(String(await ask(url, 'INFO', 'replication')))?.[1];
    const hasAll = async () => (await offset(this.master.url)) === (await offset(this.replica.url));
    await until('the replica has everything', hasAll);
    const switched = this.sentinel.says('+switch-master');
    await ask(this.sentinel.url, 'SENTINEL', 'FAILOVER', 'main');
    await switched;
  }

  async stop(): Promise<void> {
    await Promise.all([this.sentinel.stop(), this.master.stop(), this.replica.stop()]);
  }
}

async function startServer(options: string[], tls?: TlsFiles): Promise<Server> {
  if (tls === undefined) return startRedisServer(options);
  const port = await freePort();
  const server = await startRedisServer(['--port', '0', ...tlsSettings(port, tls, '--'), ...options]);
  return { ...server, port, url: `rediss://127.0.0.1:${port}` };
}

/** Settings of a server or a sentinel, as words; `mark` is put before each name. */
function tlsSettings(port: number, { ca, cert, key }: TlsFiles, mark: string): string[] {
  const settings = { 'tls-port': String(port), 'tls-ca-cert-file': ca, 'tls-cert-file': cert, 'tls-key-file': key };
  const all = { ...settings, 'tls-replication': 'yes', 'tls-auth-clients': 'optional' };
  return Object.entries(all).flatMap(([name, value]) => [`${mark}${name}`, value]);
}

async function ask(url: string, ...command: string[]): Promise<unknown> {
  const tls = url.startsWith('rediss') ? { socket: { tls: true as const, rejectUnauthorized: false } } : {};
  const client = createClient({ url, RESP: 2, ...tls });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

async function startSentinel(master: number, tls?: TlsFiles): Promise<Watched['sentinel']> {
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
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const log = createInterface({ input: child.stdout });
  const says = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const listen = (line: string) => {
        if (!line.includes(text)) return;
        log.off('line', listen);
        resolve(line);
      };
      log.on('line', listen);
      child.once('exit', () => reject(new Error(`the sentinel ended before it said ${text}`)));
    });
  await says('+monitor master');
  return {
    port,
    url: `${tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${port}`,
    says,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    async stop() {
      process.off('exit', kill);
      kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
