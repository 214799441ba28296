// Memories that come and go in one JavaScript context, as requests do at the edge.
import { setImmediate } from 'node:timers/promises';
import { Memory, TestServer } from 'synced-memory/testing';
import { expect, test } from 'vitest';

/**
 * The total size of the linear memories of all instances of the core made from now on. The server in the process is a module of
 * its own: it keeps a dedup key of every writer for 24 hours, as a server does.
 */
function watchInstances(): () => number {
  const memories: WebAssembly.Memory[] = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      if (imports !== undefined && './core_bg.js' in imports) memories.push(this.exports.memory as WebAssembly.Memory);
    }
  };
  return () => memories.reduce((bytes, memory) => bytes + memory.buffer.byteLength, 0);
}

test('wasm memory does not grow over thousands of memories, even if they end early', async () => {
  const bytes = watchInstances();
  const cycles = Number(process.env.SYNCED_MEMORY_CYCLES ?? 1000);
  const server = new TestServer();
  const cycle = async (n: number) => {
    const mem = await Memory.open({ transport: server.transport(), names: ['x'], exitTimeout: 1, onError: () => {} });
    mem.x = [n, 'y'.repeat(1000)];
    mem.x.push(n);
    await mem.$flush();
    if (n % 100 === 0) {
      const { requests } = server;
      server.failNext('hang');
      mem.x.push('lost');
      // On a busy machine the time limit of $close would end before this request begins, and the next memory would hang.
      while (server.requests === requests) await setImmediate();
      await expect(mem.$close()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    } else {
      await mem.$close();
    }
  };
  for (let n = 0; n < 200; n++) await cycle(n);
  const before = bytes();
  expect(before).toBeGreaterThan(0);
  for (let n = 0; n < cycles; n++) await cycle(n);
  expect(bytes()).toBe(before);
});
