// Faults, one after the other, until the run ends.
import { setTimeout } from 'node:timers/promises';

/**
 * @typedef {import('./backends.mjs').Backend} Backend
 * @typedef {import('./worker-process.mjs').WorkerProcess} WorkerProcess
 */

/**
 * Inflicts random faults until `end`, a time of `performance.now()`. Every fault has ended when it resolves.
 * @param {Backend} backend
 * @param {WorkerProcess[]} workers the running processes; one that is killed is replaced in this array
 * @param {(old: WorkerProcess) => WorkerProcess} replace starts a process in place of one that was killed
 * @param {(below: number) => number} random
 * @param {number} end
 * @returns {Promise<Record<string, number>>} the number of faults by name
 */
export async function inflictFaults(backend, workers, replace, random, end) {
  /** @type {Record<string, number>} */
  const counts = {};
  const faults = backend.isInProcess ? [] : [...backend.faults, ...processFaults(workers, replace, random)];
  while (performance.now() < end) {
    await setTimeout(Math.min(50 + random(400), Math.max(0, end - performance.now())));
    const fault = faults[random(Math.max(1, faults.length))];
    if (fault === undefined || performance.now() >= end) continue;
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    await fault.inflict();
  }
  return counts;
}

/**
 * @param {WorkerProcess[]} workers @param {(old: WorkerProcess) => WorkerProcess} replace
 * @param {(below: number) => number} random
 * @returns {import('./backends.mjs').Fault[]}
 */
function processFaults(workers, replace, random) {
  return [
    {
      name: 'process killed',
      async inflict() {
        const which = random(workers.length);
        const old = /** @type {WorkerProcess} */ (workers[which]);
        await old.kill();
        workers[which] = replace(old);
      },
    },
    {
      name: 'process stopped for a while',
      async inflict() {
        const worker = /** @type {WorkerProcess} */ (workers[random(workers.length)]);
        worker.signal('SIGSTOP');
        await setTimeout(random(500));
        worker.signal('SIGCONT');
      },
    },
  ];
}
