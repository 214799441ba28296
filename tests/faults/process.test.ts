// Processes that end: by themselves, with mutations on their way, or killed.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { onWasm } from '../servers/backends.js';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Runs a module's text in a process of its own. */
async function run(code: string, env: NodeJS.ProcessEnv = {}, onLine?: (line: string) => void, cwd = here) {
  const import_ = `import { Memory, PrefixedMemory } from ${JSON.stringify(import.meta.resolve('synced-memory'))};\n`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', import_ + code], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => {
    out += data;
    for (const line of String(data).split('\n')) if (line) onLine?.(line);
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const done = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, out, err })),
  );
  return { child, done };
}

let server: Awaited<ReturnType<typeof startRedisServer>>;
let folder: string;
beforeAll(async () => {
  server = await startRedisServer();
  folder = mkdtempSync(join(tmpdir(), 'synced-memory-process-'));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(onWasm ? ['redis'] : ['redis', 'file'])('on %s', (kind) => {
  const url = () => (kind === 'redis' ? server.url : `file:${folder}/memory.db`);

  test('an open memory does not keep the process alive, pending mutations do', async () => {
    const { done } = await run(
      `const mem = await Memory.open(process.env.URL);
       mem.list = [];
       await mem.$flush();
       for (let n = 0; n < 1000; n++) mem.list.push(n);
       console.log('end');`,
      { URL: url() },
    );
    expect(await done).toEqual({ code: 0, out: 'end\n', err: '' });
    const mem = await Memory.open(url());
    expect(mem.list).toHaveLength(1000);
    delete mem.list;
    await mem.$close();
  });

  test('killed in the middle: what was acknowledged is there, each once, in order', async () => {
    for (let round = 0; round < 3; round++) {
      let acknowledged = -1;
      const { child, done } = await run(
        `const mem = await Memory.open(process.env.URL);
         mem.log ??= [];
         await mem.$flush();
         for (let n = 0; ; n++) {
           mem.log.push(n);
           if (n % 7 === 0) { await mem.$flush(); process.stdout.write(n + '\\n'); }
         }`,
        { URL: url() },
        (line) => {
          acknowledged = Number(line);
          if (acknowledged > 200) child.kill('SIGKILL');
        },
      );
      await done;
      const mem = await Memory.open(url());
      const log: number[] = [...mem.log];
      expect(log).toEqual(log.map((_, n) => n));
      expect(log.length).toBeGreaterThan(acknowledged);
      delete mem.log;
      await mem.$close();
    }
  });

  test('two processes at once', async () => {
    const mem = await Memory.open(url());
    mem.log = [];
    await mem.$flush();
    const code = `const mem = await Memory.open(process.env.URL);
      for (let n = 0; n < 500; n++) {
        mem.log.push(process.env.ID + ':' + n);
        if (n % 10 === 0) await new Promise(setImmediate);
      }`;
    const runs = await Promise.all(['a', 'b'].map((ID) => run(code, { URL: url(), ID })));
    for (const { done } of runs) expect(await done).toEqual({ code: 0, out: '', err: '' });
    await mem.$sync();
    for (const id of ['a', 'b']) {
      const own = [...mem.log].filter((item: string) => item.startsWith(id));
      expect(own).toEqual(Array.from({ length: 500 }, (_, n) => `${id}:${n}`));
    }
    delete mem.log;
    await mem.$close();
  });
});

test('exitTimeout ends the wait for a server that does not come back, and says what is lost', async () => {
  const { done } = await run(
    `const mem = await Memory.open({ url: 'redis://127.0.0.1:1', exitTimeout: 100 });
     mem.list = [1];
     mem.list.push(2);`,
  );
  const { code, err } = await done;
  expect(code).toBe(0);
  expect(err).toContain('2 mutations');
});

test('one mutation refused: the process stays for the others, and warns of nothing', async () => {
  const strict = await startRedisServer(['--maxmemory', '1']);
  const admin = createClient({ url: strict.url });
  await admin.connect();
  // Everything can be read; without its protocol's key, an attribute cannot be written.
  const keys = ['~memory:*', '~sm:{memory:kept}*', '&*'];
  await admin.sendCommand(['ACL', 'SETUSER', 'half', 'on', '>ha1f', ...keys, '+@all']);
  const { done } = await run(
    `const mem = await Memory.open({ url: process.env.URL, onError: ({ code }) => console.log(code) });
     Object.assign(mem, { refused: 1, kept: 2 });`,
    { URL: strict.url.replace('//', '//half:ha1f@') },
    (line) => {
      // From here on the server takes the other one.
      if (line === 'ERR_REFUSED') admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '0']);
    },
  );
  const { code, err } = await done;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(await admin.get('memory:kept')).toContain('"value":2');
  admin.destroy();
  await strict.stop();
});

test('mutations of a worker thread that ends are acknowledged first', async () => {
  const { done } = await run(
    `import { Worker } from 'node:worker_threads';
     const code = \`import(\${JSON.stringify(import.meta.resolve('MODULE'))}).then(async ({ Memory }) => {
       const mem = await Memory.open(process.env.URL);
       mem.log = Array.from({ length: 1000 }, (_, n) => n);
       mem.log.push('end');
     })\`;
     new Worker(code, { eval: true });`.replace('MODULE', import.meta.resolve('synced-memory')),
    { URL: server.url },
  );
  expect(await done).toEqual({ code: 0, out: '', err: '' });
  const mem = await Memory.open(server.url);
  expect(mem.log.at(-1)).toBe('end');
  delete mem.log;
  await mem.$close();
});

test.skipIf(onWasm)('without a URL: the embedded file in the working directory, not in production', async () => {
  const clean = {
    SYNCED_MEMORY_URL: '',
    REDIS_URL: '',
    REDIS_HOST: '',
    REDIS_PORT: '',
    REDIS_PREFIX: '',
    NODE_ENV: '',
  };
  const code = `try {
      const mem = await Memory.open();
      mem.visits = (mem.visits ?? 0) + 1;
      console.log(mem.visits, mem.$status.backend);
    } catch (error) { console.log(error.code, error.message); }`;
  const outputs: string[] = [];
  for (const env of [clean, clean, { ...clean, NODE_ENV: 'production' }, { ...clean, REDIS_URL: server.url }]) {
    const { done } = await run(code, env, undefined, folder);
    outputs.push((await done).out);
  }
  expect(outputs[0]).toBe('1 file\n');
  expect(outputs[1]).toBe('2 file\n');
  expect(outputs[2]).toMatch(/^ERR_OPTIONS .*SYNCED_MEMORY_URL/);
  expect(outputs[3]).toBe('1 redis\n');
  const port = { ...clean, REDIS_HOST: '127.0.0.1', REDIS_PORT: String(server.port), REDIS_PREFIX: 'other:' };
  const { done } = await run(code, port);
  expect((await done).out).toBe('1 redis\n');
});
