// One process of a run: `worker.mjs OPTIONS`. It performs operations until a line of input says `stop`, and prints what it does, one
// JSON line for each start and end of an operation. Then it prints the state of its memories, and ends with its input.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { Memory } from 'synced-memory';
import { randomNumbers } from '../faults/run/random.mjs';
import { fingerprints } from './history.mjs';
import { Operations } from './operations.mjs';
import { perform } from './perform.mjs';

/**
 * @typedef {{
 *   url: string, seed: number, worker: number, life: number, lanes: number, memories: number,
 *   sets: import('./operations.mjs').OperationSet[], start: number, epochLength: number, epochs: number,
 *   documents?: Documents,
 * }} WorkerOptions `start` and `epochLength` are milliseconds of the system's time; a process that writes the first documents also
 * prints the last ones
 * @typedef {{ tagged: Record<string, unknown>, spread: Record<string, unknown> }} Documents
 */

/** The errors that may end an operation without any effect. */
const WITHOUT_EFFECT = ['ERR_CONFLICT'];
/** Events that need no attention: the connection is away, and so on. */
const BENIGN = ['ERR_UNREACHABLE', 'ERR_BUSY'];

/** @type {WorkerOptions} */
const options = JSON.parse(process.argv[2] ?? '{}');
let isStopped = false;

/** @param {object} line */
const print = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const now = () => Number(process.hrtime.bigint());

/** @param {string} prefix */
async function open(prefix) {
  const memory = await Memory.open({ url: options.url, prefix, onError: report });
  memory.$on('conflict', (conflict) => print({ problem: `conflict: ${JSON.stringify(conflict)}` }));
  memory.$on('regression', (regression) => print({ problem: `regression: ${regression.name}` }));
  // It may have been opened while the server was away.
  await memory.$sync();
  return memory;
}

/** @param {{ code: string, message: string }} error */
function report({ code, message }) {
  if (code === 'ERR_OUTCOME_UNKNOWN') print({ doubt: message });
  else if (!BENIGN.includes(code)) print({ problem: `${code}: ${message}` });
}

/** One operation after the other. @param {import('./perform.mjs').Memories} memories @param {number} lane */
async function run(memories, lane) {
  const { seed, worker, life, sets, start, epochLength, epochs } = options;
  const name = `${worker}.${life}.${lane}`;
  const random = randomNumbers(seed * 7919 + worker * 104_729 + life * 1299 + lane);
  const operations = new Operations(random, name, sets);
  for (let number = 0; !isStopped; number++) {
    const epoch = Math.min(epochs - 1, Math.max(0, Math.floor((Date.now() - start) / epochLength)));
    const operation = operations.next(epoch);
    print({ lane: name, number, start: now(), operation });
    try {
      const result = await perform(memories, operation, name, random);
      print({ lane: name, number, end: now(), outcome: 'ok', ...result });
    } catch (error) {
      const { code = '' } = /** @type {{ code?: string }} */ (error);
      if (code === '') throw error;
      print({ lane: name, number, end: now(), outcome: WITHOUT_EFFECT.includes(code) ? 'failed' : 'unknown', code });
    }
    if (random(4) === 0) await setTimeout(random(6));
    else await null;
  }
}

const opened = await Promise.all(
  Array.from({ length: options.memories }, async () => ({
    tagged: await open('{checker}:'),
    spread: await open('checker:'),
  })),
);
if (options.documents !== undefined) {
  for (const part of /** @type {const} */ (['tagged', 'spread'])) {
    const memories = opened.map((each) => each[part]);
    Object.assign(memories[0] ?? {}, options.documents[part]);
    await memories[0]?.$flush();
    await Promise.all(memories.map((memory) => memory.$sync()));
  }
}
const input = createInterface({ input: process.stdin });
input.once('line', () => {
  isStopped = true;
});
const lanes = opened.flatMap((memories, at) =>
  Array.from({ length: options.lanes }, (_, lane) => run(memories, at * options.lanes + lane)),
);
print({ ready: true });
await Promise.all(lanes);
for (const { tagged, spread } of opened) {
  await Promise.all([tagged.$flush(), spread.$flush()]);
}
print({ stopped: true });
// The other processes have stopped, too.
if (!('closed' in input && input.closed)) await once(input, 'line');
for (const { tagged, spread } of opened) {
  await Promise.all([tagged.$sync(), spread.$sync()]);
  print({ state: { tagged: fingerprints(tagged.$snapshot()), spread: fingerprints(spread.$snapshot()) } });
}
const first = opened[0];
if (options.documents !== undefined && first !== undefined) {
  print({ final: { tagged: first.tagged.$snapshot(), spread: first.spread.$snapshot() } });
}
print({ done: true });
await once(input, 'close');
for (const { tagged, spread } of opened) await Promise.all([tagged.$close(), spread.$close()]);
