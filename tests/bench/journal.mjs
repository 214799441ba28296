// The cost of a journal, `fsync: false`: pushes that are made and not awaited, and acknowledged pushes, with one and without.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Memory } from 'synced-memory';
import { median, table, verdict } from './report.mjs';

const ROUNDS = 60;
/** Acknowledged pushes of one memory in a round. */
const ACKNOWLEDGED = 50;
/** Pushes of one memory in a round that are acknowledged together. */
const LOCAL = 2_000;

/**
 * Both memories take turns in every round, so that other load on the machine affects both alike.
 * @param {string} url
 */
export async function journalCost(url) {
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-bench-'));
  const journal = { url: `file:${join(folder, 'journal.db')}`, fsync: false };
  const memories = await Promise.all([
    Memory.open({ url, prefix: 'bench-plain:', defaults: { log: [] } }),
    Memory.open({ url, prefix: 'bench-journal:', defaults: { log: [] }, journal }),
  ]);
  const samples = memories.map((memory) => ({
    memory,
    local: /** @type {number[]} */ ([]),
    acknowledged: /** @type {number[]} */ ([]),
  }));
  try {
    for (let round = -1; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? samples : [...samples].reverse();
      for (const { memory, local, acknowledged } of order) {
        const pushes = [];
        for (let count = 0; count < ACKNOWLEDGED; count++) pushes.push(await timed(() => push(memory, 1)));
        const start = performance.now();
        for (let count = 0; count < LOCAL; count++) memory.log.push(count);
        // The batch goes out with the next microtask.
        await Promise.resolve();
        const made = (performance.now() - start) / LOCAL;
        await memory.$flush();
        memory.log.length = 0;
        await memory.$flush();
        // The first round warms up.
        if (round < 0) continue;
        acknowledged.push(...pushes);
        local.push(made);
      }
    }
  } finally {
    await Promise.all(memories.map((memory) => memory.$close()));
    rmSync(folder, { recursive: true });
  }
  report(
    'a push that is not awaited',
    3,
    samples.map(({ local }) => median(local)),
  );
  report(
    'an acknowledged push',
    1.2,
    samples.map(({ acknowledged }) => median(acknowledged)),
  );
}

/** @param {import('synced-memory').Memory} memory @param {number} value */
async function push(memory, value) {
  memory.log.push(value);
  await memory.$flush();
}

/** The milliseconds that an action takes. @param {() => Promise<void>} action */
async function timed(action) {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** @param {string} what @param {number} most @param {number[]} medians in milliseconds */
function report(what, most, [plain = Number.NaN, journalled = Number.NaN]) {
  table(`With a journal, fsync: false: ${what}, median in µs`, [
    ['without', (plain * 1000).toFixed(2)],
    ['with', (journalled * 1000).toFixed(2)],
  ]);
  const ratio = journalled / plain;
  verdict('beside one without', `${ratio.toFixed(2)} ×`, `at most ${most} ×`, ratio <= most);
}
