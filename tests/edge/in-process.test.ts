// Compares the answers of the in-process server with those of a real one.
import { createClient } from 'redis';
import { type Command, Memory, type Reply, type Transport } from 'synced-memory/edge';
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

/** A reply in comparable form: bytes as text, names sorted, errors by their code. */
function readable(reply: Reply): unknown {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString();
  if (Array.isArray(reply)) return reply.map(readable).map((item) => (Array.isArray(item) ? [...item].sort() : item));
  if (reply !== null && typeof reply === 'object') return reply.message.split(' ')[0];
  return reply;
}

test('plain commands', async () => {
  await raw.flushAll();
  const [one, other] = [nodeRedis(raw), new TestServer().transport()];
  const commands: Command[] = [
    ['SET', 'a', 'hello'],
    ['set', 'b', new Uint8Array([0xff, 0x00])],
    ['GET', 'a'],
    ['GET', 'absent'],
    ['STRLEN', 'b'],
    ['STRLEN', 'absent'],
    ...[
      ['0', '-1'],
      ['-3', '-2'],
      ['1', '100'],
      ['-100', '1'],
      ['3', '2'],
      ['9', '12'],
    ].map(([first = '', last = '']) => ['GETRANGE', 'a', first, last]),
    ['GETRANGE', 'absent', '0', '-1'],
    ['EXISTS', 'a', 'b', 'absent'],
    ['PTTL', 'a'],
    ['PTTL', 'absent'],
    ['PERSIST', 'a'],
    ['PEXPIRE', 'absent', '1000'],
    ['SET', 'c', 'x', 'EX', '1000'],
    ['SET', 'c', 'y', 'KEEPTTL'],
    ['PERSIST', 'c'],
    ['SET', 'c', 'z', 'PX', '100000'],
    ['SET', 'c', 'z'],
    ['PTTL', 'c'],
    ['PEXPIRE', 'c', '-1'],
    ['EXISTS', 'c'],
    ['SCAN', '0', 'MATCH', 'a*', 'COUNT', '1000'],
    ['SCAN', '0', 'MATCH', '\\**'],
    ['DEL', 'a', 'b', 'absent'],
    ['PUBLISH', 'channel', 'nobody'],
    ['WAIT', '0', '10'],
    ['GET'],
    ['NOSUCH', 'command'],
    ['EVALSHA', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', '0'],
  ];
  for (const command of commands) {
    const [[expected], [found]] = await Promise.all([one.execute([command]), other.execute([command])]);
    expect(readable(found as Reply), command.join(' ')).toEqual(readable(expected as Reply));
  }
});

const seeds = Array.from({ length: Number(process.env.SYNCED_MEMORY_SEEDS ?? 12) }, (_, n) => n + 1);

/** The parts of replies that two servers have in common: not their memory. */
function comparable(commands: Command[], replies: Reply[]): unknown[] {
  return replies.map(readable).map((reply, at) => (commands[at]?.[0] === 'INFO' ? null : reply));
}

/** The command without a reservation, which would end on each of two servers at another moment. */
function withoutReservation(command: Command): Command {
  const isReservation = /^EVAL/.test(String(command[0])) && /^(stale|reserved) \d+$/.test(String(command.at(-1)));
  return isReservation ? [...command.slice(0, -1), ''] : command;
}

/** The outcomes of all commits, over all seeds. */
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
        execute: (given) =>
          inTurn(async () => {
            const commands = given.map(withoutReservation);
            const replies = await one.execute(commands);
            const others = await other.execute(commands);
            const [expected, found] = [comparable(commands, replies), comparable(commands, others)];
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
        // The container may have been replaced meanwhile.
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
