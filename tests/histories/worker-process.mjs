// The parent's side of one process of a run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Milliseconds within which a process must get to its next stage once all faults have ended. */
const DEADLINE = 120_000;

/** A process that performs operations. */
export class WorkerProcess {
  /** True once it was killed. */
  isKilled = false;
  /** The states that its memories ended with. @type {{ tagged: Record<string, string>, spread: Record<string, string> }[]} */
  states = [];
  /** The last documents, of a process that has the backend in it. @type {import('./worker.mjs').Documents | undefined} */
  final;
  /** @type {Map<string, { resolve: () => void, promise: Promise<void> }>} */
  #stages = new Map();

  /**
   * @param {import('./worker.mjs').WorkerOptions} options
   * @param {import('./recorder.mjs').Recorder} recorder
   */
  constructor(options, recorder) {
    this.options = options;
    const name = `${options.worker}.${options.life}`;
    const script = fileURLToPath(new URL('./worker.mjs', import.meta.url));
    this.child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin.on('error', () => {});
    let errors = '';
    this.child.stderr.on('data', (data) => {
      errors += data;
    });
    this.child.once('exit', (code) => {
      if (!this.isKilled && code !== 0) recorder.problems.push(`process: ${name} ended with ${code}: ${errors}`);
      for (const stage of ['ready', 'stopped', 'done']) this.#stage(stage).resolve();
    });
    createInterface({ input: this.child.stdout }).on('line', (text) => {
      const line = parsed(text);
      if (line.state !== undefined) this.states.push(line.state);
      this.final ??= line.final;
      for (const stage of ['ready', 'stopped', 'done']) if (line[stage]) this.#stage(stage).resolve();
      recorder.add(name, line);
    });
  }

  /** Resolves when it performs operations, or has ended. */
  ready() {
    return this.#reached('ready');
  }

  /** Resolves when all its operations are acknowledged. */
  stop() {
    this.child.stdin.write('stop\n');
    return this.#reached('stopped');
  }

  /** Resolves when it has caught up with the server and told its state. */
  report() {
    this.child.stdin.write('report\n');
    return this.#reached('done');
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.child.kill(name);
  }

  /** SIGKILL. Resolves when everything that it printed is recorded. */
  async kill() {
    this.isKilled = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Ends it after its report. */
  async end() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    await ended;
  }

  /** @param {string} name */
  #stage(name) {
    const known = this.#stages.get(name);
    if (known !== undefined) return known;
    let resolve = () => {};
    const promise = /** @type {Promise<void>} */ (
      new Promise((done) => {
        resolve = () => done(undefined);
      })
    );
    const stage = { resolve, promise };
    this.#stages.set(name, stage);
    return stage;
  }

  /** @param {string} stage */
  async #reached(stage) {
    const { worker, life } = this.options;
    let timer;
    const late = new Promise((_, reject) => {
      const message = `process ${worker}.${life} is not ${stage} after ${DEADLINE / 1000} s`;
      timer = setTimeout(() => reject(new Error(message)), DEADLINE);
    });
    await Promise.race([this.#stage(stage).promise, late]).finally(() => clearTimeout(timer));
  }
}

/** A line that a kill has cut short says nothing. @param {string} text @returns {Record<string, any>} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
