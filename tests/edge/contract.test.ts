// The contract of all backends, on the server in this process and on a real one: the vectors of tests/conformance/backend as
// the core encodes them.
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { type Command, Memory, type Reply, type Transport } from 'synced-memory/edge';
import { TestServer, VirtualClock } from 'synced-memory/testing';
import { nodeRedis } from 'synced-memory/transports/node-redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

type Exchange =
  | { readonly command: [string, ...string[]]; readonly reply: unknown }
  | { readonly channel: string; readonly message: string };

interface Vector {
  readonly name: string;
  readonly exchanges: readonly Exchange[];
}

const file = new URL('../conformance/backend-encoded.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(file, 'utf8'));

/** The texts of the scripts, by the names that the vectors have for them. */
const scripts: Record<string, string> = {};

/** Sees the scripts go by that a memory sends to a server that does not have them. */
beforeAll(async () => {
  const transport = new TestServer().transport();
  let sent: string[] = [];
  const recording: Transport = {
    ...transport,
    execute(commands) {
      sent.push(...commands.filter(([name]) => name === 'EVAL').map(([, text]) => String(text)));
      return transport.execute(commands);
    },
  };
  const mem = await Memory.open<{ a: number; b: number }>({ transport: recording });
  mem.a = 1;
  await mem.$flush();
  [scripts['commit.lua'] = ''] = sent;
  sent = [];
  mem.$batch(() => {
    mem.a = 2;
    mem.b = 2;
  });
  await mem.$flush();
  [scripts['group.lua'] = ''] = sent;
  sent = [];
  // The group mark has changed: what the session reads next, it reads together.
  await Memory.open({ transport: recording }).then((other) => other.$close());
  [scripts['compare.lua'] = ''] = sent;
  sent = [];
  await mem.$history('a');
  [scripts['history.lua'] = ''] = sent;
  await mem.$close();
});

/** The milliseconds in a reply that says how long something remains, which pass while a test runs. */
function remainingMs({ command, reply }: Extract<Vector['exchanges'][number], { reply: unknown }>): number | undefined {
  if (command[0] === 'PTTL' && Number(reply) > 0) return Number(reply);
  if (Array.isArray(reply) && reply[0] === 'reserved') return Number(reply[1]);
  return undefined;
}

/** A reply without the times in the ids of a history's entries. */
function withoutIds(command: readonly string[], reply: unknown): unknown {
  if (command[1] !== 'history.lua' || !Array.isArray(reply)) return reply;
  return reply.map((field) => (/^\d+-\d+$/.test(field) ? '0-0' : field));
}

/** Replays a vector on an empty server. */
async function replay({ exchanges }: Vector, transport: Transport): Promise<void> {
  const messages: string[] = [];
  const leave = await transport.subscribe?.('sm:memory:', {
    message: (text) => void messages.push(text),
    changed: () => {},
    lost: (error) => expect.unreachable(String(error)),
  });
  const expected: string[] = [];
  for (const exchange of exchanges) {
    if ('message' in exchange) {
      expected.push(exchange.message);
      continue;
    }
    const [reply] = await transport.execute([withScript(exchange.command)]);
    const found = readable(reply as Reply);
    const remaining = remainingMs(exchange);
    if (remaining !== undefined) {
      const ms = Number(Array.isArray(found) ? found[1] : found);
      expect(ms, exchange.command.join(' ')).toBeLessThanOrEqual(remaining);
      expect(ms, exchange.command.join(' ')).toBeGreaterThan(remaining - 5_000);
    } else {
      expect(withoutIds(exchange.command, found), exchange.command.join(' ')).toEqual(exchange.reply);
    }
  }
  // Messages come in order: behind this one there is none.
  await transport.execute([['PUBLISH', 'sm:memory:', 'end']]);
  await vi.waitFor(() => expect(messages.at(-1)).toBe('end'));
  expect(messages).toEqual([...expected, 'end']);
  leave?.();
}

function withScript(command: [string, ...string[]]): Command {
  const [name, script = '', ...rest] = command;
  return name === 'EVALSHA' ? ['EVAL', scripts[script] ?? '', ...rest] : command;
}

/** A reply with texts as texts, as the vectors have them. */
function readable(reply: Reply): unknown {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString();
  return Array.isArray(reply) ? reply.map(readable) : reply;
}

describe('the server in this process', () => {
  test.each(vectors)('$name', (vector) => replay(vector, new TestServer(new VirtualClock()).transport()));
});

describe('a real server', () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let client: ReturnType<typeof createClient>;
  beforeAll(async () => {
    server = await startRedisServer();
    client = createClient({ url: server.url });
    await client.connect();
  });
  beforeEach(async () => {
    await client.flushAll();
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  test.each(vectors)('$name', (vector) => replay(vector, nodeRedis(client)));
});
