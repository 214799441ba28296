import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';
import { demo } from './demo.mjs';

async function linesOf(url: string): Promise<string> {
  const lines: string[] = [];
  await demo(url, (line) => lines.push(line));
  return lines.join('\n');
}

function expectMainJob(output: string): void {
  for (const name of ['ana', 'ben']) {
    expect(output).toContain(`${name} sees tasks = ["draft","publish","review"]`);
    expect(output).toContain(`${name} sees config = {"theme":"dark","lang":"en"}`);
  }
  expect(output).toContain('2000 elements, 2000 different: none lost, none twice');
}

test.skipIf(onWasm)('the demo on the embedded file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'synced-memory-demo-'));
  try {
    expectMainJob(await linesOf(`file:${join(folder, 'memory.db')}`));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the demo on Redis leaves nothing behind', async () => {
  const server = await startRedisServer();
  try {
    expectMainJob(await linesOf(server.url));
    const { createClient } = await import('redis');
    const client = createClient({ url: server.url });
    await client.connect();
    expect(await client.keys('demo-*')).toEqual([]);
    client.destroy();
  } finally {
    await server.stop();
  }
});
