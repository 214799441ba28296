// The example of a conversation, compiled by the strict compiler and run in two processes.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { startRedisServer } from '../../scripts/redis-server.mjs';

/** Inside the repository, so that `synced-memory` resolves as it does for a user who installed it. */
const folder = join(root, '.cache/chat');
const program = join(folder, 'chat.js');
let server: Awaited<ReturnType<typeof startRedisServer>>;

beforeAll(async () => {
  server = await startRedisServer();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, 'examples/chat/chat.ts'), join(folder, 'chat.ts'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const options = ['--strict', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--module', 'nodenext'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, ...options, '--types', 'node', join(folder, 'chat.ts')], { cwd: root });
});
afterAll(() => server.stop());

test('an agent answers, old messages are trimmed, and the conversation expires', async () => {
  const env = { ...process.env, REDIS_URL: server.url };
  const agent = spawn(process.execPath, [program, 'agent', 's1'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(createInterface(agent.stdout), 'line');
    const say = (session: string, text: string) =>
      execFileSync(process.execPath, [program, 'say', session, text], { env, timeout: 20_000 }).toString().trim();
    for (let n = 1; n <= 12; n++) {
      const count = Math.min(2 * n - 1, 20);
      expect(say('s1', `hello ${n}`)).toBe(`You said "hello ${n}", and ${count} messages are kept.`);
    }
    const client = createClient({ url: server.url });
    await client.connect();
    const { value } = JSON.parse((await client.get('memory:s1:messages')) ?? '');
    expect(value).toHaveLength(20);
    expect(value.at(-2)).toEqual({ role: 'user', text: 'hello 12' });
    const left = await client.ttl('memory:s1:messages');
    expect(left).toBeGreaterThan(3500);
    expect(left).toBeLessThanOrEqual(3600);
    client.destroy();
  } finally {
    agent.kill();
  }
}, 60_000);
