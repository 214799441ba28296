// Rounds in which contenders take turns, in another order each time: other load on the machine affects all of them alike.

/**
 * @typedef {object} Run
 * @property {(calls: number) => Promise<number[]>} sample performs calls; resolves to the microseconds of each
 * @property {number} calls in one round
 * @property {number} [rounds] at most so many
 * @property {number[]} samples
 */

/** The first round warms up. @param {Run[]} runs @param {number} rounds */
export async function takeTurns(runs, rounds) {
  for (let round = -1; round < rounds; round++) {
    for (const run of shuffled(runs)) {
      if (round >= (run.rounds ?? rounds)) continue;
      const samples = await run.sample(run.calls);
      if (round >= 0) run.samples.push(...samples);
    }
  }
}

/** A `sample` of a function that is called. @param {() => unknown} call */
export function timed(call) {
  return async (/** @type {number} */ calls) => {
    const samples = [];
    for (; calls > 0; calls--) {
      const began = performance.now();
      await call();
      samples.push((performance.now() - began) * 1000);
    }
    return samples;
  };
}

/**
 * @template T
 * @param {readonly T[]} items
 */
function shuffled(items) {
  const keyed = items.map((item) => ({ item, key: Math.random() }));
  return keyed.sort((one, other) => one.key - other.key).map(({ item }) => item);
}
