// One run: processes, faults, and the verdict on what was recorded.
import { Memory } from 'synced-memory';
import { randomNumbers } from '../faults/run/random.mjs';
import { backends } from './backends.mjs';
import { fingerprints, summarize } from './history.mjs';
import { accounts } from './invariants.mjs';
import { inflictFaults } from './nemesis.mjs';
import { claimsOf, listsOf, logs } from './operations.mjs';
import { Recorder } from './recorder.mjs';
import { judge } from './verdict.mjs';
import { WorkerProcess } from './worker-process.mjs';

/** Operations that one process performs at the same time. */
const LANES = 3;
/** Seconds for which a list is in use, at least. */
const EPOCH = 1;
/** The most epochs of a run. */
const EPOCHS = 60;

/**
 * @typedef {{
 *   backend: string, seconds: number, seed: number, processes: number, sets: import('./operations.mjs').OperationSet[],
 * }} RunOptions
 * @typedef {{
 *   problems: string[], operations: Record<string, number>, outcomes: Record<string, number>, faults: Record<string, number>,
 *   codes: Record<string, number>,
 * }} RunReport `operations` counts by kind, `codes` the errors of operations
 */

/** @param {RunOptions} options @returns {Promise<RunReport>} */
export async function checkHistories({ backend: kind, seconds, seed, processes, sets }) {
  const random = randomNumbers(seed);
  const backend = await /** @type {(typeof backends)[string]} */ (backends[kind])(random);
  const recorder = new Recorder();
  const workers = /** @type {WorkerProcess[]} */ ([]);
  try {
    const epochs = Math.min(EPOCHS, Math.ceil(seconds / EPOCH));
    const names = Array.from({ length: epochs }, (_, epoch) => listsOf(epoch)).flat();
    const state = documents(names, epochs);
    if (!backend.isInProcess) await write(backend.quietUrl, state);

    const shared = { url: backend.url, seed, sets, start: Date.now(), epochLength: (seconds * 1000) / epochs, epochs };
    const counts = backend.isInProcess ? { lanes: LANES, memories: processes } : { lanes: LANES, memories: 1 };
    const documentsToWrite = backend.isInProcess ? { documents: state } : {};
    /** @param {number} worker @param {number} life */
    const start = (worker, life) =>
      new WorkerProcess({ ...shared, ...counts, ...documentsToWrite, worker, life }, recorder);
    for (let n = 0; n < (backend.isInProcess ? 1 : processes); n++) workers.push(start(n, 0));
    await Promise.all(workers.map((worker) => worker.ready()));

    const replace = (/** @type {WorkerProcess} */ { options }) => start(options.worker, options.life + 1);
    const faults = await inflictFaults(backend, workers, replace, random, performance.now() + seconds * 1000);
    await Promise.all(workers.map((worker) => worker.ready()));
    await Promise.all(workers.map((worker) => worker.stop()));
    await Promise.all(workers.map((worker) => worker.report()));

    const last = backend.isInProcess ? workers[0]?.final : await read(backend.quietUrl);
    const { tagged, spread } = last ?? { tagged: {}, spread: {} };
    const problems = [
      ...summarize(recorder.problems),
      ...compareStates(workers, tagged, spread),
      ...judge(recorder.history, { ...tagged, ...spread }, names),
    ];
    await Promise.all(workers.map((worker) => worker.end()));
    const operations = countBy(recorder.history, ({ operation }) => operation.kind);
    const outcomes = countBy(recorder.history, ({ outcome }) => outcome);
    return { problems, operations, outcomes, faults, codes: recorder.codes };
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
    await backend.stop();
  }
}

/**
 * The documents that a run begins with.
 * @param {readonly string[]} lists @param {number} epochs
 * @returns {{ tagged: Record<string, unknown>, spread: Record<string, unknown> }}
 */
function documents(lists, epochs) {
  const claims = Array.from({ length: epochs }, (_, epoch) => claimsOf(epoch));
  return {
    tagged: {
      ...Object.fromEntries(lists.map((name) => [name, []])),
      ...Object.fromEntries(claims.map((name) => [name, {}])),
      ...Object.fromEntries(accounts.map((name) => [name, { balance: 1000, memo: '' }])),
    },
    spread: { ...Object.fromEntries(logs.map((name) => [name, []])), counts: {}, increments: 0 },
  };
}

/** @param {string} url @param {ReturnType<typeof documents>} state */
async function write(url, { tagged, spread }) {
  for (const [prefix, values] of /** @type {const} */ ([
    ['{checker}:', tagged],
    ['checker:', spread],
  ])) {
    const memory = await Memory.open({ url, prefix });
    Object.assign(memory, values);
    await memory.$close();
  }
}

/** @param {string} url */
async function read(url) {
  /** @param {string} prefix @returns {Promise<Record<string, unknown>>} */
  const snapshot = async (prefix) => {
    const memory = await Memory.open({ url, prefix });
    const values = memory.$snapshot();
    await memory.$close();
    return values;
  };
  return { tagged: await snapshot('{checker}:'), spread: await snapshot('checker:') };
}

/**
 * Every process must have what is stored.
 * @param {readonly WorkerProcess[]} workers
 * @param {Record<string, unknown>} tagged @param {Record<string, unknown>} spread
 */
function compareStates(workers, tagged, spread) {
  const problems = [];
  const stored = { tagged: fingerprints(tagged), spread: fingerprints(spread) };
  for (const { options, states } of workers) {
    if (states.length === 0)
      problems.push(`convergence: process ${options.worker}.${options.life} has reported no state`);
    for (const state of states) {
      for (const part of /** @type {const} */ (['tagged', 'spread'])) {
        const names = new Set([...Object.keys(stored[part]), ...Object.keys(state[part])]);
        const different = [...names].filter((name) => stored[part][name] !== state[part][name]);
        if (different.length === 0) continue;
        problems.push(
          `convergence: process ${options.worker}.${options.life} does not have the stored ${different.join(', ')}`,
        );
      }
    }
  }
  return problems;
}

/** @template T @param {readonly T[]} items @param {(item: T) => string} key @returns {Record<string, number>} */
function countBy(items, key) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
