// A transport that rejects, hangs, loses or garbles replies: every mutation is applied once.
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { createClient } from 'redis';
import { Memory, type Transport } from 'synced-memory/edge';
import { type Socket, workersTcp } from 'synced-memory/transports/workers-tcp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { type Faulty, faulty, hasty, randomFrom } from './support.js';

let server: Awaited<ReturnType<typeof startRedisServer>>;
let raw: ReturnType<typeof createClient>;
beforeAll(async () => {
  server = await startRedisServer();
  raw = createClient({ url: server.url });
  await raw.connect();
});
afterAll(async () => {
  raw.destroy();
  await server.stop();
});

interface State {
  log: string[];
  dict: Record<string, number>;
}

const seeds = Array.from({ length: Number(process.env.SYNCED_MEMORY_SEEDS ?? 6) }, (_, n) => n + 1);

function tcp(): Transport {
  const socket = ({ hostname, port }: { hostname: string; port: number }) =>
    Duplex.toWeb(connect(port, hostname)) as unknown as Socket;
  return workersTcp({ hostname: '127.0.0.1', port: server.port, connect: socket });
}

describe.each(seeds)('seed %i', (seed) => {
  test('two writers push, insert and set through faults', async () => {
    const random = randomFrom(seed);
    const clock = hasty(seed);
    const prefix = `seed-${seed}:`;
    const patience = { openTimeout: Number.POSITIVE_INFINITY };
    const open = (transport: Transport) =>
      passing(Memory.open<State>({ transport, prefix, names: ['log', 'dict'], ...patience, onError: () => {} }));
    const transports = [0.3, 0.5].map((rate) => faulty(tcp(), random, clock, rate)) as [Faulty, Faulty];
    const one = await open(transports[0]);
    const other = await open(transports[1]);

    one.log = [];
    one.dict = {};
    await passing(one.$flush());
    await passing(other.$sync());
    for (let n = 0; n < 150; n++) {
      one.log.push(`a${n}`);
      other.log.push(`b${n}`);
      one.dict[`a${n}`] = n;
      if (n % 3 === 0) other.log.splice(0, 0, `c${n}`);
      if (random() < 0.5) await clock.advance(random() * 50);
    }
    await passing(Promise.all([one.$flush(), other.$flush()]));
    await passing(Promise.all([one.$sync(), other.$sync()]));

    const stored = JSON.parse((await raw.get(`${prefix}log`)) as string).value as string[];
    const of = (letter: string) => stored.filter((text) => text.startsWith(letter));
    const numbers = Array.from({ length: 150 }, (_, n) => n);
    expect(of('a')).toEqual(numbers.map((n) => `a${n}`));
    expect(of('b')).toEqual(numbers.map((n) => `b${n}`));
    expect([...of('c')].sort()).toEqual(
      numbers
        .filter((n) => n % 3 === 0)
        .map((n) => `c${n}`)
        .sort(),
    );
    expect(stored).toHaveLength(350);
    expect([...one.log]).toEqual(stored);
    expect([...other.log]).toEqual(stored);
    expect({ ...other.dict }).toEqual(Object.fromEntries(numbers.map((n) => [`a${n}`, n])));
    const seen = transports.flatMap((transport) => Object.values(transport.seen));
    expect(seen.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5);
    await passing(Promise.all([one.$close(), other.$close()]));

    /** Advances the virtual clock until the promise settles, and returns its value. */
    async function passing<T>(promise: Promise<T>): Promise<T> {
      let done = false;
      const end = () => {
        done = true;
      };
      promise.then(end, end);
      while (!done) await clock.advance(500);
      return promise;
    }
  });
});
