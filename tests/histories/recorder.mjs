// The history of a run, from what the processes print.

/** @typedef {import('./history.mjs').Entry} Entry */

/** The errors of operations that may occur in a correct run. */
const EXPECTED = ['ERR_CONFLICT', 'ERR_OUTCOME_UNKNOWN'];

/** Collects entries. An operation whose end is never recorded has an unknown outcome. */
export class Recorder {
  /** @type {Entry[]} */
  history = [];
  /** The violations that processes report by themselves. @type {string[]} */
  problems = [];
  /** Errors of operations, by code. @type {Record<string, number>} */
  codes = {};
  /** @type {Map<string, Entry>} */
  #open = new Map();
  /** Entries that began while a process reported an unknown outcome. @type {WeakSet<Entry>} */
  #doubted = new WeakSet();

  /** Takes one line of a process. @param {string} worker @param {Record<string, any>} line */
  add(worker, line) {
    if (line.problem !== undefined) this.problems.push(`${line.problem} (process ${worker})`);
    else if (line.doubt !== undefined) this.#doubt(worker);
    else if (line.operation !== undefined) this.#start(line);
    else if (line.outcome !== undefined) this.#end(line);
  }

  /** Some mutation of this process has an unknown outcome: it may be of any operation that has not ended. @param {string} worker */
  #doubt(worker) {
    for (const [key, entry] of this.#open) if (key.startsWith(`${worker}.`)) this.#doubted.add(entry);
  }

  /** @param {Record<string, any>} line */
  #start({ lane, operation, start }) {
    /** @type {Entry} */
    const entry = { process: lane, operation, start, end: Number.POSITIVE_INFINITY, outcome: 'unknown', reads: [] };
    this.#open.set(lane, entry);
    this.history.push(entry);
  }

  /** @param {Record<string, any>} line */
  #end({ lane, end, outcome, reads = [], value, code }) {
    const entry = this.#open.get(lane);
    this.#open.delete(lane);
    if (code !== undefined) this.codes[code] = (this.codes[code] ?? 0) + 1;
    if (code !== undefined && !EXPECTED.includes(code)) this.problems.push(`error: ${lane} got ${code}`);
    if (entry === undefined || outcome === 'unknown' || this.#doubted.has(entry)) return;
    Object.assign(entry, { end, outcome, reads, ...(value === undefined ? {} : { value }) });
  }
}
