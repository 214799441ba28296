// The time and the bytes of one acknowledged append, for lists of different lengths.
import { Memory } from 'synced-memory';
import { ours, rpush, wholeDocument } from './contenders.mjs';
import { grouped, median, table, verdict } from './report.mjs';

const lengths = [10, 1_000, 100_000, 1_000_000];

/**
 * Contenders that append take turns in every round, in a different order each time, so that other load on the machine affects
 * all of them alike. Contenders that send whole documents follow: one of a million numbers takes a quarter of a second, and
 * leaves garbage and cold caches behind.
 * @param {string} url
 * @param {import('./contenders.mjs').NodeRedis} client
 * @param {import('./contenders.mjs').NodeRedis} untimed
 */
export async function acknowledgedPush(url, client, untimed) {
  /** @type {{ length: number, contender: import('./contenders.mjs').Contender, samples: number[] }[]} */
  const runs = [];
  /** @type {import('synced-memory').Memory<Record<string, number[]>>} */
  const mem = await Memory.open({ url, prefix: 'bench:' });
  for (const length of lengths) {
    const contenders = [
      await ours(mem, length),
      await rpush('node-redis RPUSH', client, length),
      await rpush('node-redis RPUSH, no command timeout', untimed, length),
      await wholeDocument(client, length),
    ];
    for (const contender of contenders) runs.push({ length, contender, samples: [] });
  }
  const isWhole = (/** @type {typeof runs[number]} */ { contender }) => contender.name.startsWith('GET');
  await take(
    runs.filter((run) => !isWhole(run)),
    { rounds: 60, pushes: () => 50 },
  );
  await take(runs.filter(isWhole), { rounds: 10, pushes: (length) => Math.max(1, Math.min(50, 50_000 / length)) });
  await bytesSent(client, runs);
  await mem.$close();

  const names = [...new Set(runs.map(({ contender }) => contender.name))];
  const p50 = (/** @type {number} */ length, /** @type {string | undefined} */ name) =>
    median(runs.find((run) => run.length === length && run.contender.name === name)?.samples ?? []);
  table('Acknowledged push, p50 in µs, one at a time, by length of the list', [
    ['', ...lengths.map(grouped)],
    ...names.map((name) => [name, ...lengths.map((length) => grouped(p50(length, name)))]),
  ]);
  const growth = p50(1_000_000, names[0]) / p50(10, names[0]);
  verdict('1,000,000 beside 10', `${growth.toFixed(2)} ×`, 'at most 1.3 ×', growth <= 1.3);
  for (const length of lengths) {
    const ratio = p50(length, names[0]) / p50(length, names[1]);
    const untimedRatio = p50(length, names[0]) / p50(length, names[2]);
    const measured = `${ratio.toFixed(2)} × (${untimedRatio.toFixed(2)} × of the one without command timeout)`;
    verdict(`beside RPUSH at ${grouped(length)}`, measured, 'at most 1.6 ×', ratio <= 1.6);
  }
}

/**
 * @param {{ length: number, contender: import('./contenders.mjs').Contender, samples: number[] }[]} runs
 * @param {{ rounds: number, pushes(length: number): number }} options how many appends each makes in a round
 */
async function take(runs, { rounds, pushes }) {
  for (let round = -1; round < rounds; round++) {
    for (const { length, contender, samples } of shuffled(runs)) {
      for (let count = pushes(length); count > 0; count--) {
        const start = performance.now();
        await contender.push();
        // The first round warms up.
        if (round >= 0) samples.push((performance.now() - start) * 1000);
      }
    }
  }
}

/**
 * @template T
 * @param {readonly T[]} items
 */
function shuffled(items) {
  const keyed = items.map((item) => ({ item, key: Math.random() }));
  return keyed.sort((one, other) => one.key - other.key).map(({ item }) => item);
}

/**
 * The bytes that the server received (INFO stats, total_net_input_bytes) during one push onto the longest list, without those
 * of the INFO request itself.
 * @param {import('./contenders.mjs').NodeRedis} client
 * @param {{ length: number, contender: import('./contenders.mjs').Contender }[]} runs
 */
async function bytesSent(client, runs) {
  const push = runs.find((run) => run.length === 1_000_000 && run.contender.name.startsWith('synced'))?.contender.push;
  const received = async () => Number((await client.info('stats')).match(/total_net_input_bytes:(\d+)/)?.[1]);
  const around = async (/** @type {(() => Promise<unknown>) | undefined} */ action) => {
    const before = await received();
    await action?.();
    return (await received()) - before;
  };
  const samples = [];
  for (let count = 0; count < 21; count++) samples.push((await around(push)) - (await around(undefined)));
  // A glance at what changed goes out once a second, beside.
  const [bytes, most] = [median(samples), Math.max(...samples)];
  table('Bytes that the server received for one acknowledged push onto 1,000,000 numbers (21 pushes)', [
    ['median', grouped(bytes)],
    ['most', grouped(most)],
  ]);
  verdict('bytes', grouped(bytes), 'at most 500', bytes <= 500);
}
