// Both packages' classes for DragonflyDB, which find the server by the same variables.
import { Memory, PrefixedMemory } from 'synced-memory/dragonflydb';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { Python } from './python.js';

let server: Awaited<ReturnType<typeof startRedisServer>>;
let python: Python;

beforeAll(async () => {
  server = await startRedisServer();
  for (const name of ['SYNCED_MEMORY_URL', 'DRAGONFLYDB_URL', 'DRAGONFLYDB_HOST', 'DRAGONFLYDB_PORT']) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('REDIS_HOST', '127.0.0.1');
  vi.stubEnv('REDIS_PORT', String(server.port));
  python = Python.start(server.port);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await python?.stop();
  await server?.stop();
});

test('both packages share a memory and a scope of it', async () => {
  const mem = await Memory.open<{ plan: { steps: string[] } }>();
  const scoped = await PrefixedMemory.open<{ state: string[] }>('agent');
  mem.plan = { steps: ['fetch'] };
  scoped.state = ['idle'];
  await mem.$flush();
  await scoped.$flush();
  await python.run('from synced_memory import dragonflydb');
  // As the driver's own, see driver.py: a busy machine may need longer than the package waits.
  await python.run('dragon = ready(dragonflydb.Memory())');
  await python.run('agent = ready(dragonflydb.PrefixedMemory("agent"))');
  await python.run('dragon.plan["steps"].append("parse")');
  await python.run('agent.state.append("busy")');
  await mem.$sync();
  await scoped.$sync();
  expect(mem.plan.steps).toEqual(['fetch', 'parse']);
  expect(scoped.state).toEqual(['idle', 'busy']);
  await mem.$close();
  await scoped.$close();
});
