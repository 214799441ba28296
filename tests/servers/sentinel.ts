import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';

type Server = Awaited<ReturnType<typeof startRedisServer>>;

/** A master called `main`, a replica and one sentinel that decides alone. */
export class Watched {
  private constructor(
    readonly master: Server,
    readonly replica: Server,
    readonly sentinel: Server & { says(text: string): Promise<string> },
  ) {}

  static async start(...options: string[]): Promise<Watched> {
    const prompt = [...options, '--repl-diskless-sync-delay', '0'];
    const master = await startRedisServer(prompt);
    const replicaOf = ['--replicaof', '127.0.0.1', String(master.port)];
    const replica = await startRedisServer([...prompt, ...replicaOf]);
    const watched = new Watched(master, replica, await startSentinel(master.port));
    const link = () => ask(watched.sentinel.url, 'SENTINEL', 'REPLICAS', 'main');
    while (!JSON.stringify(await link()).includes('"master-link-status","ok"')) await pause();
    return watched;
  }

  get url(): string {
    return `redis+sentinel://127.0.0.1:${this.sentinel.port}/main`;
  }

  /** Nothing that was acknowledged is lost: the replica has everything before it takes over. */
  async failOver(): Promise<void> {
    await ask(this.master.url, 'CLIENT', 'PAUSE', '20000', 'WRITE');
    const offsets = async (url: string) =>
      /(?:slave|master)_repl_offset:(\d+)/.exec(String(await ask(url, 'INFO', 'replication')))?.[1];
    while ((await offsets(this.master.url)) !== (await offsets(this.replica.url))) await pause();
    const switched = this.sentinel.says('+switch-master');
    await ask(this.sentinel.url, 'SENTINEL', 'FAILOVER', 'main');
    await switched;
  }

  async stop(): Promise<void> {
    await Promise.all([this.sentinel.stop(), this.master.stop(), this.replica.stop()]);
  }
}

async function ask(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url, RESP: 2 });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

/** Between two questions to a server that tells nobody when its answer changes. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

async function startSentinel(master: number): Promise<Watched['sentinel']> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const monitor = [`monitor main 127.0.0.1 ${master} 1`, 'down-after-milliseconds main 500'];
  const lines = [...monitor, 'failover-timeout main 5000'].map((line) => `sentinel ${line}`);
  writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...lines, ''].join('\n'));
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
    url: `redis://127.0.0.1:${port}`,
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
