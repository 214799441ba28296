// Several processes that change one dict at the same time.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Memory } from 'synced-memory';
import { describe, expect, test } from 'vitest';
import { among, backends, onWasm } from './backends.js';

const works = ['commits', 'commits', 'commits', 'commits', 'batches', 'transactions'];
const writers = works.length;
const added = 600;

/** Mutates and flushes until `isOver`. Resolves to the longest time that a flush took beyond its timeout, in milliseconds. */
async function longestOverrun(mem: { flushes: number } & Memory, isOver: () => boolean): Promise<number> {
  const timeout = 50;
  let longest = 0;
  while (!isOver()) {
    mem.flushes++;
    const start = performance.now();
    await mem.$flush({ timeout }).catch((error) => expect(error).toMatchObject({ code: 'ERR_TIMEOUT' }));
    longest = Math.max(longest, performance.now() - start - timeout);
  }
  return longest;
}

describe.skipIf(onWasm).each(among('redis', 'file'))('%s', (kind) => {
  test('six processes that change two dicts commit a third of their fair share at least, and a flush keeps its timeout', async () => {
    const backend = await backends[kind]();
    const mem = await Memory.open<{
      table: Record<string, number>;
      other: Record<string, number>;
      flushes: number;
    }>({ url: backend.url });
    // A text that is longer than what a stale commit brings.
    mem.table = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`key${n}`, n]));
    mem.other = {};
    mem.flushes = 0;
    await mem.$flush();
    const path = new URL('./contender.mjs', import.meta.url);
    const total = 1000 + writers + added;
    const processes = works.map((work, index) =>
      fork(path, [backend.url, ...[index, writers, total].map(String), work], { stdio: 'inherit' }),
    );
    let isOver = false;
    const overrun = longestOverrun(mem, () => isOver);
    const codes = await Promise.all(processes.map(async (process) => (await once(process, 'exit'))[0]));
    isOver = true;
    expect(await overrun).toBeLessThan(5_000);
    expect(codes).toEqual(Array.from({ length: writers }, () => 0));
    await mem.$sync();
    // The keys of a dict are in the order of their commits.
    const keys = Object.keys(mem.table).slice(1000 + writers, total);
    expect(keys.length).toBe(added);
    for (let index = 0; index < writers; index++) {
      const own = keys.filter((key) => key.startsWith(`${index}-`)).length;
      expect(own, `writer ${index} of ${writers}, ${works[index]}`).toBeGreaterThanOrEqual(added / writers / 3);
    }
    await mem.$close();
    await backend.stop();
  }, 120_000);
});
