// Processes that end by themselves, with pending mutations, or killed.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { among, onWasm } from '../servers/backends.js';

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

describe.each(among('redis', 'file'))('on %s', (kind) => {
  const url = () => (kind === 'redis' ? server.url : `file:${folder}/memory.db`);

  test('an open memory does not keep the process alive; pending mutations do', async () => {
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

  test('killed while it pushes: acknowledged elements are stored once, in order', async () => {
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

test('exitTimeout ends the wait for an absent server, a line says what is lost, and the exit code is 1', async () => {
  const { done } = await run(
    `const mem = await Memory.open({ url: 'redis://127.0.0.1:1', offline: true, exitTimeout: 100 });
     mem.list = [1];
     mem.list.push(2);`,
  );
  const { code, err } = await done;
  expect(code).toBe(1);
  // The loss of the server may be printed before that.
  expect(err).toMatch(/^synced-memory: .*exitTimeout.* 2 unacknowledged mutations of list.*\n/m);
});

describe('a listener', () => {
  /** The output of a process that watches, with the options of its listener, while this process mutates. */
  const watch = async (options: string, end: string) => {
    const mem = await Memory.open(server.url);
    const { done } = await run(
      `const mem = await Memory.open(process.env.URL);
       const off = mem.$on('change', ({ value }) => { console.log(value); ${end} }, 'watched', ${options});
       console.log('ready');`,
      { URL: server.url },
      (line) => {
        if (line === 'ready') mem.watched = 'seen';
      },
    );
    const result = await done;
    delete mem.watched;
    await mem.$close();
    return result;
  };

  test.each(['off();', 'mem.$close();'])('keeps a process alive with keepAlive, until %s', async (end) => {
    expect(await watch('{ keepAlive: true }', end)).toEqual({ code: 0, out: 'ready\nseen\n', err: '' });
  });

  test('keeps no process alive without it, nor once the memory is closed', async () => {
    expect((await watch('{}', '')).code).toBe(0);
    const late = await run(
      `const mem = await Memory.open('memory:');
       await mem.$close();
       mem.$on('change', () => {}, undefined, { keepAlive: true });`,
    );
    expect(await late.done).toEqual({ code: 0, out: '', err: '' });
  });
});

describe('process.exit() with pending mutations', () => {
  /** A process that mutates, and exits at once, when `isServerGone` its server is gone. */
  const exits = async (isServerGone: boolean) => {
    const own = await startRedisServer();
    const { done } = await run(
      `const mem = await Memory.open({ url: process.env.URL, exitTimeout: 200 });
       mem.list = [];
       await mem.$flush();
       const mutate = () => { mem.list.push(1); mem.other = 2; };
       if (!process.env.GONE) { mutate(); process.exit(3); }
       mem.$on('disconnect', () => { mutate(); process.exit(3); });
       console.log('ready');
       setInterval(() => {}, 1000);`,
      { URL: own.url, GONE: isServerGone ? 'yes' : '' },
      () => own.stop(),
    );
    const result = await done;
    if (isServerGone) return { ...result, list: undefined };
    const mem = await Memory.open(own.url);
    const list = [...mem.list];
    await mem.$close();
    await own.stop();
    return { ...result, list };
  };

  test.skipIf(onWasm)('flushes them', async () => {
    expect(await exits(false)).toEqual({ code: 3, out: '', err: '', list: [1] });
  });

  test('says what is lost where it cannot', async () => {
    const { code, err } = await exits(!onWasm);
    expect(code).toBe(3);
    expect(err).toMatch(/^synced-memory: .*process\.exit.* 2 unacknowledged mutations of list, other.*\n$/);
  });
});

test('a process that gives up mutations keeps an exit code that it has set', async () => {
  const own = await startRedisServer();
  const { done } = await run(
    `const mem = await Memory.open({ url: process.env.URL, exitTimeout: 100 });
     process.exitCode = 7;
     const wait = setInterval(() => {}, 1000);
     mem.$on('disconnect', () => { mem.list = [1]; clearInterval(wait); });
     console.log('ready');`,
    { URL: own.url },
    () => own.stop(),
  );
  expect((await done).code).toBe(7);
});

test('the first loss of a server is one line where nobody listens, and says what to do', async () => {
  for (const [options, listen, isPrinted] of [
    ['', '', true],
    [', onError() {}', '', false],
    ['', "mem.$on('disconnect', () => {});", false],
  ] as const) {
    const own = await startRedisServer();
    const { done, child } = await run(
      `const mem = await Memory.open({ url: process.env.URL${options} });
       const scope = await mem.$scope('other');
       ${listen}
       console.log('open');
       while (mem.$status.state !== 'disconnected' || scope.$status.state !== 'disconnected')
         await new Promise((resolve) => setTimeout(resolve, 10));`,
      { URL: own.url },
      () => void own.stop(),
    );
    const { code, err } = await done;
    expect([code, err.trim().split('\n')]).toEqual([
      0,
      isPrinted ? [expect.stringMatching(/^synced-memory: .*mutations wait.*\$on\('disconnect'\).*onError/)] : [''],
    ]);
    child.unref();
  }
});

test('one mutation is refused: the process waits for the others and prints no warning', async () => {
  const strict = await startRedisServer(['--maxmemory', '1']);
  const admin = createClient({ url: strict.url });
  await admin.connect();
  // The user may read everything and may not write the dedup key of the other mutation.
  const keys = ['~memory:*', '~sm:{memory:}*', '~sm:{memory:kept}*', '&*'];
  await admin.sendCommand(['ACL', 'SETUSER', 'half', 'on', '>ha1f', ...keys, '+@all']);
  const { done } = await run(
    `const mem = await Memory.open({ url: process.env.URL, onError: ({ code }) => console.log(code) });
     Object.assign(mem, { refused: 1, kept: 2 });`,
    { URL: strict.url.replace('//', '//half:ha1f@') },
    (line) => {
      // From here on the server accepts the other mutation.
      if (line === 'ERR_REFUSED') admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '0']);
    },
  );
  const { code, err } = await done;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(await admin.get('memory:kept')).toContain('"value":2');
  admin.destroy();
  await strict.stop();
});

test('a value that is changed after it was assigned: one line for each attribute, where nobody listens', async () => {
  const { done } = await run(
    `const mem = await Memory.open('memory:');
     for (const name of ['log', 'log', 'todo']) {
       const list = (mem[name] = []);
       list.push(1);
       await mem.$flush();
     }
     mem.$on('warning', ({ code, attribute }) => console.log(code, attribute));
     const heard = (mem.heard = {});
     heard.late = true;`,
  );
  const { code, out, err } = await done;
  const lines = err.split('\n').filter((line) => line.includes('ERR_CHANGED_AFTER_ASSIGN'));
  expect(lines.map((line) => /SyncedMemoryError: (\w+):/.exec(line)?.[1])).toEqual(['log', 'todo']);
  const events = ['log', 'log', 'todo', 'heard'].map((name) => `ERR_CHANGED_AFTER_ASSIGN ${name}\n`);
  expect({ code, out }).toEqual({ code: 0, out: events.join('') });
});

test('a worker thread ends after its mutations are acknowledged', async () => {
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
