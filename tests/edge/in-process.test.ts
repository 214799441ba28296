// The server in this process answers every command as a real one does.
import { createClient } from 'redis';
import { Memory, type Reply, type Transport } from 'synced-memory/edge';
import { TestServer } from 'synced-memory/testing';
import { nodeRedis } from 'synced-memory/transports/node-redis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { randomFrom } from './support.js';

let real: Awaited<ReturnType<typeof startRedisServer>>;
let raw: ReturnType<typeof createClient>;
beforeAll(async () => {
  real = await startRedisServer();
  raw = createClient({ url: real.url });
  await raw.connect();
});
afterAll(async () => {
  raw.destroy();
  await real.stop();
});

/** A reply with texts as texts, names in order, and errors by their code. */
function readable(reply: Reply): unknown {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString();
  if (Array.isArray(reply)) return reply.map(readable).map((item) => (Array.isArray(item) ? [...item].sort() : item));
  if (reply !== null && typeof reply === 'object') return reply.message.split(' ')[0];
  return reply;
}

const seeds = Array.from({ length: Number(process.env.SYNCED_MEMORY_SEEDS ?? 12) }, (_, n) => n + 1);

/** What commits came to, with all seeds. */
const seen = new Set<unknown>();
afterAll(() => expect([...seen]).toEqual(expect.arrayContaining(['applied', 'appended', 'stale'])));

describe.each(seeds)('seed %i', (seed) => {
  test('three memories and a foreign writer', async () => {
    await raw.flushAll();
    await raw.sendCommand(['SCRIPT', 'FLUSH']);
    const random = randomFrom(seed);
    const pick = <T>(...items: T[]): T => items[Math.floor(random() * items.length)] as T;
    const fake = new TestServer();
    const differences: unknown[] = [];
    const published: string[] = [];
    const publishedHere: string[] = [];
    const subscriber = raw.duplicate();
    await subscriber.connect();
    await subscriber.subscribe('sm:memory:', (message) => void published.push(message));
    await fake.transport().subscribe?.('sm:memory:', {
      message: (message) => void publishedHere.push(message),
      changed: () => {},
      lost: () => {},
    });
    const outcomes = new Set<unknown>();
    // One at a time, so that both see the same order.
    let turn: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const done = turn.then(work);
      turn = done.catch(() => {});
      return done;
    };
    const both = (): Transport => {
      const [one, other] = [nodeRedis(raw), fake.transport()];
      return {
        execute: (commands) =>
          inTurn(async () => {
            const replies = await one.execute(commands);
            const others = await other.execute(commands);
            const [expected, found] = [replies.map(readable), others.map(readable)];
            if (JSON.stringify(expected) !== JSON.stringify(found)) differences.push({ commands, expected, found });
            for (const reply of expected) if (Array.isArray(reply) && reply.length < 4) outcomes.add(reply[0]);
            return replies;
          }),
      };
    };
    const memories = await Promise.all(
      [both(), both(), both()].map((transport) => Memory.open({ transport, onError: () => {} })),
    );
    for (let step = 0; step < 120; step++) {
      const mem = pick(...memories);
      const name = pick('list', 'dict', 'text');
      const list: unknown[] = Array.isArray(mem.list) ? mem.list : [];
      try {
        switch (pick('push', 'push', 'push', 'splice', 'set', 'assign', 'delete', 'foreign', 'sync', 'wait')) {
          case 'push':
            list.push(step, step % 5 === 0 ? 'ü' : null);
            break;
          case 'splice':
            list.splice(Math.floor(random() * list.length), pick(0, 1, 3), step);
            break;
          case 'set':
            if (mem.dict !== undefined) mem.dict[pick('a', 'b', 'c')] = pick<unknown>(step, 'x'.repeat(step), [step]);
            break;
          case 'assign':
            if (name === 'text') mem.text = 'y'.repeat(Math.floor(random() * 200));
            else mem[name] = name === 'list' ? [step] : { step };
            break;
          case 'delete':
            if (random() < 0.3) delete mem[name];
            break;
          case 'foreign': {
            const value = name === 'list' ? [...list, 'foreign'] : { foreign: step };
            const text = `{"value": ${JSON.stringify(value)}, "last_modified": ${BigInt(Date.now()) * 1_000_000n}}`;
            await inTurn(async () => {
              await raw.set(`memory:${name}`, text);
              fake.writeText(`memory:${name}`, text);
            });
            break;
          }
          case 'sync':
            await mem.$sync().catch(() => {});
            break;
          case 'wait':
            await new Promise((resolve) => setImmediate(resolve));
        }
      } catch (error) {
        // What somebody else replaced meanwhile is not there to be changed.
        expect(error).toMatchObject({ code: expect.stringMatching(/ERR_(DETACHED|WRONG_TYPE|NOT_SUPPORTED)/) });
      }
    }
    for (const mem of memories) await mem.$flush().catch(() => {});
    expect(differences).toEqual([]);
    for (const outcome of outcomes) seen.add(outcome);
    for (const key of await raw.keys('*')) expect(fake.read(key), key).toBe(await raw.get(key));
    expect(published.length).toBeGreaterThan(0);
    await vi.waitFor(() => expect(publishedHere).toEqual(published));
    subscriber.destroy();
    for (const mem of memories) await mem.$close();
  });
});
