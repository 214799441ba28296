// Runs writers under continuous faults, and checks that every acknowledged mutation is stored exactly once.
// `npm run faults -- --mutations 25000 --seed 1 --backend redis` (or `file`) takes the full load.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { freePort, startRedisServer } from '../../../scripts/redis-server.mjs';
import { FaultProxy } from './proxy.mjs';
import { randomNumbers } from './random.mjs';
import { check } from './workload.mjs';

const writers = 4;

/** @param {number} milliseconds */
const passed = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {{ mutations: number, seed: number, backend: 'redis' | 'file' }} options
 * @returns {Promise<{ faults: Record<string, number>, checked: number, seconds: number }>}
 */
export async function exactlyOnce({ mutations, seed, backend }) {
  const random = randomNumbers(seed);
  const place = backend === 'redis' ? await redisPlace(random) : filePlace();
  const start = performance.now();
  /** @type {Record<string, number>} */
  const faults = {};
  /** @type {import('./workload.mjs').Life[]} */
  const lives = [];
  try {
    const first = await Memory.open(place.quietUrl);
    Object.assign(first, { log: [], bag: [], counts: {} });
    await first.$close();

    const running = Array.from(
      { length: writers },
      (_, writer) => new Writer(place.url, seed, writer, 0, mutations, lives),
    );
    while (running.some((writer) => !writer.done)) {
      const fault = place.faults[random(place.faults.length)];
      if (fault === undefined || random(12) === 0) {
        // A writer is killed at a random moment and replaced.
        const which = random(writers);
        const old = running[which];
        if (old !== undefined && !old.done) {
          count(faults, 'writer killed');
          await old.kill();
          running[which] = new Writer(place.url, seed, which, old.life.life + 1, old.left, lives);
        }
      } else {
        count(faults, fault.name);
        await fault.inflict();
      }
      await Promise.race([passed(random(100)), Promise.all(running.map((writer) => writer.finished))]);
      for (const writer of running) if (writer.failed !== '') throw new Error(writer.failed);
    }
    await place.calm();
    const seconds = (performance.now() - start) / 1000;

    const last = await Memory.open(place.quietUrl);
    const state = JSON.parse(JSON.stringify(last));
    for (const writer of running) {
      const seen = await writer.state();
      if (!isDeepStrictEqual(seen, state))
        throw new Error(`writer ${writer.life.writer} sees something else than is stored`);
      await writer.end();
    }
    await last.$close();
    return { faults, checked: check(state, lives, seed), seconds };
  } finally {
    for (const { child } of alive) child.kill('SIGKILL');
    await place.remove();
  }
}

/** @param {Record<string, number>} counts @param {string} name */
function count(counts, name) {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** @type {Set<Writer>} */
const alive = new Set();

class Writer {
  done = false;
  /** The cause of an unexpected end. */
  failed = '';
  #count;
  /** @type {(state: unknown) => void} */
  #tell = () => {};
  /** @type {() => void} */
  #finish = () => {};
  /** @type {Promise<void>} */
  finished = new Promise((resolve) => {
    this.#finish = resolve;
  });

  /**
   * @param {string} url @param {number} seed @param {number} writer @param {number} life @param {number} count
   * @param {import('./workload.mjs').Life[]} lives
   */
  constructor(url, seed, writer, life, count, lives) {
    this.#count = count;
    this.life = { writer, life, acknowledged: 0, made: count };
    lives.push(this.life);
    const script = fileURLToPath(new URL('./writer.mjs', import.meta.url));
    const args = [script, url, ...[seed, writer, life, count].map(String)];
    this.child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    alive.add(this);
    let errors = '';
    this.child.stderr.on('data', (data) => {
      errors += data;
    });
    this.child.once('exit', (code) => {
      alive.delete(this);
      if (code !== 0 && code !== null) this.failed = `writer ${writer} ended with ${code}: ${errors}`;
      this.#finish();
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const [kind, ...rest] = line.split(' ');
      if (kind === 'acknowledged') this.life.acknowledged = Number(rest[0]);
      else if (kind === 'state') this.#tell(JSON.parse(line.slice('state '.length)));
      else if (kind === 'done') {
        this.done = true;
        this.#finish();
      } else this.failed = `writer ${writer}: ${line}`;
    });
  }

  get left() {
    return this.#count - this.life.acknowledged;
  }

  async kill() {
    const ended = once(this.child.stdout, 'close');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** @returns {Promise<unknown>} */
  state() {
    return new Promise((resolve) => {
      this.#tell = resolve;
      this.child.stdin.write('state\n');
    });
  }

  async end() {
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    await ended;
  }
}

/** A server that keeps what it acknowledged, behind a proxy. @param {(below: number) => number} random */
async function redisPlace(random) {
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-faults-'));
  const port = await freePort();
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder, '--port', String(port)];
  const start = () => startRedisServer(durable);
  let server = await start();
  const proxy = await new FaultProxy(port).listen();

  /** @param {(string)[]} command */
  const tell = async (...command) => {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    await client.connect();
    await client.sendCommand(command);
    client.destroy();
  };
  /** For a while. @param {() => void} begin @param {() => void} end */
  const spell = async (begin, end) => {
    begin();
    await passed(50 + random(200));
    end();
  };
  /** @param {'requests' | 'replies'} what */
  const swallow = (what) =>
    spell(
      () => {
        proxy.swallow[what] = true;
      },
      () => {
        // Nothing that was swallowed may be missing in a connection that goes on.
        proxy.reset();
        proxy.swallow[what] = false;
      },
    );
  const restart = async () => {
    await server.stop();
    await passed(random(300));
    server = await start();
  };
  return {
    url: `redis://127.0.0.1:${proxy.port}`,
    quietUrl: `redis://127.0.0.1:${port}`,
    faults: [
      { name: 'connections reset', inflict: async () => proxy.reset() },
      { name: 'requests lost', inflict: () => swallow('requests') },
      { name: 'replies lost', inflict: () => swallow('replies') },
      {
        name: 'byte by byte',
        inflict: () =>
          spell(
            () => Object.assign(proxy, { fragment: true }),
            () => Object.assign(proxy, { fragment: false }),
          ),
      },
      {
        name: 'slow line',
        inflict: () =>
          spell(
            () => Object.assign(proxy, { latency: random(30) }),
            () => Object.assign(proxy, { latency: 0 }),
          ),
      },
      {
        name: 'thin line',
        inflict: () =>
          spell(
            () => Object.assign(proxy, { bandwidth: 50 }),
            () => Object.assign(proxy, { bandwidth: Number.POSITIVE_INFINITY }),
          ),
      },
      {
        name: 'connections refused',
        inflict: () =>
          spell(
            () => {
              proxy.refuse = true;
              proxy.reset();
            },
            () => {
              proxy.refuse = false;
            },
          ),
      },
      { name: 'scripts flushed', inflict: () => tell('SCRIPT', 'FLUSH') },
      { name: 'clients killed', inflict: () => tell('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes') },
      { name: 'server paused', inflict: () => tell('CLIENT', 'PAUSE', String(random(200))) },
      {
        name: 'memory full',
        async inflict() {
          await tell('CONFIG', 'SET', 'maxmemory', '1');
          await passed(50 + random(100));
          await tell('CONFIG', 'SET', 'maxmemory', '0');
        },
      },
      { name: 'server killed', inflict: restart },
      {
        name: 'server stopped for a while',
        inflict: () =>
          spell(
            () => server.signal('SIGSTOP'),
            () => server.signal('SIGCONT'),
          ),
      },
    ],
    calm: async () => {},
    async remove() {
      await proxy.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The embedded file: nothing but its writers can fail. */
function filePlace() {
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-faults-'));
  const url = `file:${join(folder, 'memory.db')}`;
  return {
    url,
    quietUrl: url,
    /** @type {{ name: string, inflict: () => Promise<void> }[]} */
    faults: [],
    calm: async () => {},
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      mutations: { type: 'string', default: '25000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      backend: { type: 'string', default: 'redis' },
    },
  });
  const { mutations, seed } = values;
  const backend = values.backend === 'file' ? 'file' : 'redis';
  console.log(`${writers} processes × ${mutations} mutations on ${backend}, seed ${seed}`);
  const report = await exactlyOnce({ mutations: Number(mutations), seed: Number(seed), backend });
  for (const [name, count] of Object.entries(report.faults)) console.log(`  ${String(count).padStart(5)} ${name}`);
  const all = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  console.log(
    `${report.checked} acknowledged mutations checked, ${all} faults, ${report.seconds.toFixed(1)} s: each once`,
  );
}
