// The cost of a history: acknowledged pushes to lists of several lengths, and acknowledged sets in a dict, with and without it.
import { Memory } from 'synced-memory';
import { median, table, verdict } from './report.mjs';

const ROUNDS = 40;
/** Commits of one memory in a round. */
const COMMITS = 50;

/**
 * The two memories take turns in every round, so that other load on the machine affects both alike.
 * @param {string} url
 */
export async function historyCost(url) {
  for (const elements of [10, 10_000]) {
    await compare(url, `an acknowledged push to a list of ${elements} numbers`, numbers(elements), (mem, n) => {
      mem.value.push(n);
    });
  }
  await compare(url, 'an acknowledged set in a dict', { a: 0, b: 'x' }, (mem, n) => {
    mem.value.a = n;
  });
}

/** @param {number} count */
function numbers(count) {
  return Array.from({ length: count }, (_, n) => n);
}

/**
 * @param {string} url @param {string} what @param {unknown} value
 * @param {(mem: any, n: number) => void} change
 */
async function compare(url, what, value, change) {
  const without = await Memory.open({ url, prefix: 'bench-plain:' });
  const recorded = await Memory.open({ url, prefix: 'bench-recorded:', history: { max: 1000 } });
  const samples = [without, recorded].map((mem) => ({ mem, times: /** @type {number[]} */ ([]) }));
  for (const { mem } of samples) {
    mem.value = value;
    await mem.$flush();
  }
  for (let round = -1; round < ROUNDS; round++) {
    for (const { mem, times } of round % 2 === 0 ? samples : [...samples].reverse()) {
      for (let count = 0; count < COMMITS; count++) {
        const start = performance.now();
        change(mem, round * COMMITS + count);
        await mem.$flush();
        // The first round warms up.
        if (round >= 0) times.push(performance.now() - start);
      }
    }
  }
  for (const { mem } of samples) {
    delete mem.value;
    await mem.$close();
  }
  const [plain = Number.NaN, withHistory = Number.NaN] = samples.map(({ times }) => median(times) * 1000);
  table(`With a history: ${what}, median in µs`, [
    ['without', plain.toFixed(0)],
    ['with', withHistory.toFixed(0)],
  ]);
  const ratio = withHistory / plain;
  verdict('with a history, beside without', `${ratio.toFixed(2)} ×`, 'at most 1.5 ×', ratio <= 1.5);
}
