// `doctor` on every kind of server.
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { backends } from './backends.js';
import { CommandLine } from './cli-process.js';

const cli = new CommandLine();
afterAll(() => cli.remove());

interface Report {
  url: string;
  source: string;
  checks: { name: string; state: string; text: string; remedy?: string }[];
}

async function examine(url: string, ...args: string[]): Promise<{ code: number | null; report: Report }> {
  const { code, stdout, stderr } = await cli.run(['doctor', '--json', '--url', url, ...args]);
  expect(stderr).toBe('');
  return { code, report: JSON.parse(stdout) };
}

const check = ({ checks }: Report, name: string) => checks.find((each) => each.name === name);
const states = ({ checks }: Report) => Object.fromEntries(checks.map(({ name, state }) => [name, state]));

describe('doctor on one server', () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  let admin: ReturnType<typeof createClient>;
  const urlOf = (login: string) => server.url.replace('//', `//${login}@`);
  beforeAll(async () => {
    server = await startRedisServer();
    admin = createClient({ url: server.url });
    await admin.connect();
  });
  afterAll(async () => {
    admin.destroy();
    await server.stop();
  });

  test('with the permissions that docs/deployment.md lists, the clock alone is not shown', async () => {
    const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
    const rules = /^ACL SETUSER app (.*)$/m.exec(page)?.[1]?.split(' ') ?? [];
    await admin.sendCommand(['ACL', 'SETUSER', 'app', 'resetchannels', ...rules]);
    const ofHistories = /`history` also needs `([^`]*)`/.exec(page)?.[1] ?? '';
    const lacking = check((await examine(urlOf('app:password'))).report, 'permissions');
    expect(lacking).toMatchObject({
      state: 'warning',
      text: `user app lacks ${ofHistories}, for the option history only`,
      remedy: `ACL SETUSER app ${ofHistories}`,
    });
    await admin.sendCommand(['ACL', 'SETUSER', 'app', ...ofHistories.split(' ')]);
    expect(await admin.exists('sm:{memory:doctor}:doctor')).toBe(0);
    const { code, report } = await examine(urlOf('app:password'));
    expect(code).toBe(0);
    expect(report.url).toBe(urlOf('app:***'));
    const { clock, ...others } = states(report);
    expect(clock).toBe('unknown');
    expect(new Set(Object.values(others))).toEqual(new Set(['ok']));
    expect(Object.keys(others)).toEqual(
      expect.arrayContaining([
        'reachable',
        'login',
        'TLS',
        'database',
        'live updates',
        'server',
        'memory',
        'permissions',
      ]),
    );
  });

  test('the line that it prints gives the permissions that are missing', async () => {
    const few = ['on', '>pw', '~memory:*', '-@all', '+hello', '+evalsha', '+eval', '+exists', '+strlen', '+getrange'];
    await admin.sendCommand(['ACL', 'SETUSER', 'few', 'resetchannels', ...few]);
    const url = urlOf('few:pw');
    const { code, report } = await examine(url, '--timeout', '2');
    expect(code).not.toBe(0);
    expect(check(report, 'permissions')).toMatchObject({ state: 'failed', text: expect.stringContaining('user few') });
    let line = check(report, 'permissions')?.remedy;
    expect(line).toMatch(/^ACL SETUSER few .*\+get /);
    // A command that is not permitted hides which of its keys and channels are not.
    for (let round = 0; round < 3 && line !== undefined; round++) {
      await admin.sendCommand(line.split(' '));
      line = check((await examine(url, '--timeout', '2')).report, 'permissions')?.remedy;
    }
    expect(line).toBeUndefined();
    expect((await examine(url)).code).toBe(0);
  });

  test('a policy that evicts, and keys that never expire', async () => {
    await admin.configSet('maxmemory-policy', 'allkeys-lru');
    await admin.set(`sm:{memory:a}:${'x'.repeat(22)}`, '1');
    const { code, report } = await examine(server.url);
    await admin.configSet('maxmemory-policy', 'noeviction');
    await admin.del(`sm:{memory:a}:${'x'.repeat(22)}`);
    expect(code).toBe(0);
    expect(check(report, 'memory')).toMatchObject({ state: 'warning', text: expect.stringContaining('documents') });
    expect(check(report, 'leftovers')).toMatchObject({ state: 'warning', text: expect.stringContaining('1 never') });
  });

  test('a wrong password fails the login, with code 4', async () => {
    const { code, report } = await examine(urlOf('app:wrong'));
    expect(code).toBe(4);
    expect(report.checks).toEqual([{ name: 'login', state: 'failed', text: expect.stringMatching(/^ERR_AUTH: /) }]);
    expect(JSON.stringify(report)).not.toContain('wrong"');
  });
});

test.each(['cluster', 'sentinel', 'file'] as const)('doctor on %s', async (kind) => {
  const backend = await backends[kind]();
  const mem = await Memory.open(backend.url);
  Object.assign(mem, { small: 1, large: 'x'.repeat(1000), list: [1, 2] });
  await mem.$flush();
  const { code, report } = await examine(backend.url);
  expect(report.checks.filter(({ state }) => state === 'failed')).toEqual([]);
  expect(code).toBe(0);
  if (kind !== 'file') expect(Object.keys(states(report))).toContain(kind === 'cluster' ? 'cluster' : 'Sentinel');
  await mem.$close();
  await backend.stop();
});
