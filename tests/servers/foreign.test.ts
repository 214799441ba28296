// Foreign writes are noticed by broadcast tracking, plain tracking or polling, each forced in turn.
import { createServer, connect as dial, type Socket } from 'node:net';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onOtherServer } from './backends.js';

const doc = (value: unknown, revision: number) => `{"value": ${JSON.stringify(value)}, "last_modified": ${revision}}`;

/** A proxy that refuses broadcast tracking as DragonflyDB does. Resolves to its port. */
async function withoutBroadcasts(port: number): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const behind = dial(port, '127.0.0.1');
    for (const socket of [client, behind]) {
      sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    }
    client
      .on('close', () => behind.destroy())
      .on('data', (bytes) => {
        if (bytes.includes('BCAST')) client.write('-ERR syntax error\r\n');
        else behind.write(bytes);
      });
    behind.on('close', () => client.destroy()).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const everything = ['on', 'nopass', '~*', '&*', '+@all'];

describe.each([
  ['broadcasts', [], { resp: 3, deltas: true, changes: 'broadcast' }],
  ['plain tracking', [], { resp: 3, deltas: true, changes: 'tracking' }],
  ['plain tracking and no messages', ['-subscribe'], { resp: 3, deltas: false, changes: 'tracking' }],
  ['messages only', ['-client'], { resp: 3, deltas: true, changes: 'probing' }],
  ['RESP2', [], { resp: 2, deltas: true, changes: 'probing' }],
  ['nothing', ['-client', '-subscribe'], { resp: 3, deltas: false, changes: 'probing' }],
  ['RESP2 and nothing', ['-subscribe'], { resp: 2, deltas: false, changes: 'probing' }],
])('by %s', (way, refused, capabilities) => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let proxy: Awaited<ReturnType<typeof withoutBroadcasts>> | undefined;
  let raw: ReturnType<typeof createClient>;
  let url: string;
  beforeAll(async () => {
    server = await startRedisServer(way.startsWith('RESP2') ? ['--rename-command', 'HELLO', ''] : []);
    raw = createClient({ url: server.url, RESP: 2 });
    await raw.connect();
    await raw.sendCommand(['ACL', 'SETUSER', 'app', ...everything, ...refused]);
    if (way.startsWith('plain')) proxy = await withoutBroadcasts(server.port);
    url = `redis://app:any@127.0.0.1:${proxy?.port ?? server.port}`;
  });
  afterAll(async () => {
    proxy?.close();
    raw.destroy();
    await server.stop();
  });
  beforeEach(() => raw.flushAll());

  const soon = (check: () => void) => vi.waitFor(check, 5_000);

  test('SET, DEL, EXPIRE, FLUSHALL and another memory', async () => {
    const errors: unknown[] = [];
    const open = () => Memory.open<Record<string, unknown>>({ url, onError: (error) => errors.push(error) });
    const mem = await open();
    const other = await open();
    expect(mem.$status.capabilities).toEqual({ topology: 'single', ...capabilities });
    Object.assign(mem, { one: [1], two: 2, three: 3, four: [] });
    await mem.$flush();
    if (capabilities.deltas) await soon(() => expect(Object.keys(other)).toHaveLength(4));
    await other.$sync();
    expect(Object.keys(other)).toHaveLength(4);

    for (const [n, value] of [
      [2, 1],
      [1, 2],
    ]) {
      await raw.set('memory:one', doc([value], 1_863_000_000_000_000_000 + 1_000 * (2 - (n ?? 0))));
      await soon(() => expect([mem.one, other.one]).toEqual([[value], [value]]));
    }
    (other.four as number[]).push(1);
    await soon(() => expect(mem.four).toEqual([1]));
    (mem.one as number[]).push(3);
    await soon(() => expect(other.one).toEqual([2, 3]));

    await raw.del('memory:two');
    await raw.pExpire('memory:three', 50);
    await soon(() =>
      expect([Object.keys(mem).sort(), Object.keys(other).sort()]).toEqual(Array(2).fill(['four', 'one'])),
    );
    await raw.flushAll();
    await soon(() => expect([Object.keys(mem), Object.keys(other)]).toEqual([[], []]));
    expect(errors).toEqual([]);
    await mem.$close();
    await other.$close();
  });

  // All servers list names alike, and each of these takes ten seconds.
  test.skipIf(onOtherServer)('new attributes', async () => {
    const mem = await Memory.open<Record<string, unknown>>(url);
    await raw.set('memory:fresh', doc('here', 1));
    // Names are listed every ten seconds.
    await vi.waitFor(() => expect(mem.fresh).toBe('here'), 20_000);
    await mem.$close();
  });
});
