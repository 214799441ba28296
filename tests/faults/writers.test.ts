import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';

let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

const script = new URL('./writer.mjs', import.meta.url);

/** One session that pushes `item` onto the log. */
async function push(item: string): Promise<void> {
  const mem = await Memory.open<{ log: string[] }>({ url: server.url, defaults: { log: [] } });
  mem.log.push(item);
  await mem.$close();
}

test('no two sessions share a dedup key, in threads, processes or one after the other', async () => {
  const names = ['one', 'after', 'the other'];
  for (const name of names) await push(name);
  await Promise.all(['at', 'once'].map(push));

  for (const name of ['thread 1', 'thread 2']) {
    await once(new Worker(script, { argv: [server.url, name] }), 'exit');
  }
  const path = fileURLToPath(script);
  for (const name of ['process 1', 'process 2']) {
    expect(await once(fork(path, [server.url, name]), 'exit')).toEqual([0, null]);
  }

  const client = await createClient({ url: server.url }).connect();
  const items: string[] = JSON.parse((await client.get('memory:log')) ?? '').value;
  const expected = [...names, 'at', 'once', 'thread 1', 'thread 2', 'process 1', 'process 2'];
  expect(items.sort()).toEqual(expected.sort());

  const keys = (await client.keys('sm:*')).filter((key) => /^sm:\{memory:log\}:[\w-]{22}$/.test(key));
  expect(keys).toHaveLength(expected.length);
  for (const key of keys) {
    // Every session was closed: its key stays for two minutes, for copies of commits that are still on their way.
    const seconds = await client.ttl(key);
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThanOrEqual(120);
  }
  client.destroy();
});
