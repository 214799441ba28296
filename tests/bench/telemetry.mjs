// The cost of telemetry: pushes that are made and not awaited, and acknowledged pushes, of a memory without the channels, with
// channels that nobody subscribes to, and with a subscriber.
import { tracingChannel } from 'node:diagnostics_channel';
import { Memory } from 'synced-memory';
import { median, table, verdict } from './report.mjs';

const ROUNDS = 60;
/** Acknowledged pushes of one memory in a round. */
const ACKNOWLEDGED = 50;
/** Pushes of one memory in a round that are acknowledged together. */
const LOCAL = 2_000;

/**
 * The memories take turns in every round, so that other load on the machine affects all alike.
 * @param {string} url
 */
export async function telemetryCost(url) {
  const channel = tracingChannel('synced-memory:commit');
  const handlers = { start() {}, end() {}, asyncStart() {}, asyncEnd() {}, error() {} };
  const without = await openWithoutChannels(url);
  const unobserved = await Memory.open({ url, prefix: 'bench-unobserved:', defaults: { log: [] } });
  const observed = await Memory.open({ url, prefix: 'bench-observed:', defaults: { log: [] } });
  const samples = [without, unobserved, observed].map((memory) => ({
    memory,
    local: /** @type {number[]} */ ([]),
    acknowledged: /** @type {number[]} */ ([]),
  }));
  try {
    for (let round = -1; round < ROUNDS; round++) {
      const turns = samples.map((_, n) => /** @type {typeof samples[0]} */ (samples[(n + round + 3) % 3]));
      for (const { memory, local, acknowledged } of turns) {
        if (memory === observed) channel.subscribe(handlers);
        const pushes = [];
        for (let count = 0; count < ACKNOWLEDGED; count++) {
          const start = performance.now();
          memory.log.push(1);
          await memory.$flush();
          pushes.push(performance.now() - start);
        }
        const start = performance.now();
        for (let count = 0; count < LOCAL; count++) memory.log.push(count);
        // The batch goes out with the next microtask.
        await Promise.resolve();
        const made = (performance.now() - start) / LOCAL;
        await memory.$flush();
        memory.log.length = 0;
        await memory.$flush();
        if (memory === observed) channel.unsubscribe(handlers);
        // The first round warms up.
        if (round < 0) continue;
        acknowledged.push(...pushes);
        local.push(made);
      }
    }
  } finally {
    await Promise.all(samples.map(({ memory }) => memory.$close()));
  }
  report(
    'a push that is not awaited',
    1.1,
    3,
    samples.map(({ local }) => median(local)),
  );
  report(
    'an acknowledged push',
    1.1,
    1.5,
    samples.map(({ acknowledged }) => median(acknowledged)),
  );
}

/** Opens a memory as in a runtime without `node:diagnostics_channel`. @param {string} url */
async function openWithoutChannels(url) {
  const { getBuiltinModule } = process;
  Object.defineProperty(process, 'getBuiltinModule', { value: undefined, configurable: true, writable: true });
  try {
    return await Memory.open({ url, prefix: 'bench-plain:', defaults: { log: [] } });
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
}

/** @param {string} what @param {number} mostUnobserved @param {number} mostObserved @param {number[]} medians in milliseconds */
function report(
  what,
  mostUnobserved,
  mostObserved,
  [without = Number.NaN, unobserved = Number.NaN, observed = Number.NaN],
) {
  table(`With telemetry: ${what}, median in µs`, [
    ['without channels', (without * 1000).toFixed(2)],
    ['nobody subscribes', (unobserved * 1000).toFixed(2)],
    ['with a subscriber', (observed * 1000).toFixed(2)],
  ]);
  for (const [name, value, most] of /** @type {const} */ ([
    ['nobody subscribes', unobserved, mostUnobserved],
    ['with a subscriber', observed, mostObserved],
  ])) {
    const ratio = value / without;
    verdict(`${name}, beside none`, `${ratio.toFixed(2)} ×`, `at most ${most} ×`, ratio <= most);
  }
}
