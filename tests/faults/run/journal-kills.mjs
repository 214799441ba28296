// Kills writers that keep a journal, again and again, and checks that every mutation whose turn had ended is stored exactly once.
// `npm run faults:journal -- --kills 1000 --backend redis` (or `cluster`, `sentinel`, `file`) takes the full load; `--server 'Valkey 9'`
// is the server of another version.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Memory } from 'synced-memory';
import { chooseServer, journalBackends } from './journal-backends.mjs';
import { randomNumbers } from './random.mjs';

/**
 * @typedef {{
 *   log: string[], bag: { items: string[] }, keys: Record<string, number>, left: string[], right: string[],
 *   counts: { all: number }
 * }} State
 */

const writerScript = fileURLToPath(new URL('journal-writer.mjs', import.meta.url));

/** The most turns of a writer before it is killed. */
const MAX_TURNS = 12;

/** Of a cluster too, all attributes are in one slot, so that batches are possible. */
export const prefix = '{journal}:';

/**
 * @param {{ kills: number, seed: number, url: string, fsync: boolean, afterKill?: (kill: number) => Promise<void> }} options
 * @returns {Promise<{ checked: number, unsaid: number, seconds: number }>} the number of turns that were checked, and of those that
 *   were stored although the writer had not said that they had ended
 */
export async function journalKills({ kills, seed, url, fsync, afterKill }) {
  const random = randomNumbers(seed);
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-journal-'));
  const journal = `file:${join(folder, 'journal.db')}`;
  const start = performance.now();
  try {
    /** @type {Memory<State>} */
    const other = await Memory.open({ url, prefix, onError: () => {} });
    Object.assign(other, { log: [], bag: { items: [] }, keys: {}, left: [], right: [], counts: { all: 0 } });
    await other.$flush();
    /** @type {string[][]} */
    const said = [];
    for (let kill = 0; kill < kills; kill++) {
      said.push(await killedWriter([url, journal, `w${kill}`, String(fsync)], random(MAX_TURNS)));
      // Another writer is ahead of what the next one finds in the journal.
      other.log.push(`other${kill}`);
      other.bag.items.splice(random(other.bag.items.length + 1), 0, `other${kill}`);
      if (kill % 2 === 0) await other.$flush();
      await afterKill?.(kill);
    }
    /** @type {Memory<State>} */
    const last = await Memory.open({ url, prefix, journal });
    await last.$flush();
    await last.$sync();
    const result = check(JSON.parse(JSON.stringify(last)), said);
    await last.$close();
    await other.$close();
    return { ...result, seconds: (performance.now() - start) / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs a writer and kills it after it has said that `turns` turns have ended. Returns what it said.
 *
 * @param {string[]} args
 * @param {number} turns
 */
async function killedWriter(args, turns) {
  const child = spawn(process.execPath, [writerScript, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  /** @type {string[]} */
  const said = [];
  for await (const line of lines) {
    said.push(line);
    if (said.length > turns) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  if (signal !== 'SIGKILL' || errors !== '') throw new Error(`writer ${args[2]} ended by itself: ${errors}`);
  return said;
}

/**
 * @param {State} state
 * @param {string[][]} said of each writer, the turns that it said had ended
 */
export function check({ log, bag, keys, left, right, counts }, said) {
  const isOwn = (/** @type {string} */ id) => !id.startsWith('other');
  const lists = { log: log.filter(isOwn), bag: bag.items.filter(isOwn), left, right, keys: Object.keys(keys) };
  const expected = said.flat();
  // The turn in which a writer was killed: some of its mutations, which were made first, may be there.
  const last = new Set(said.map((turns, writer) => `w${writer}n${turns.length}`));
  for (const [name, list] of Object.entries(lists)) {
    const ids = new Set(list);
    const twice = list.find((id, index) => list.indexOf(id) !== index);
    if (twice !== undefined) throw new Error(`twice: ${twice} in ${name}`);
    const lost = expected.find((id) => !ids.delete(id));
    if (lost !== undefined) throw new Error(`lost: ${lost} is not in ${name}`);
    const unknown = [...ids].find((id) => !last.has(id));
    if (unknown !== undefined) throw new Error(`unknown: ${unknown} is in ${name}`);
  }
  const inOrder = lists.log.filter((id) => !last.has(id));
  if (inOrder.join() !== expected.join()) throw new Error(`order: log has ${inOrder.join()}`);
  const half = [...left, ...right].find((id) => left.includes(id) !== right.includes(id));
  if (half !== undefined) throw new Error(`half of a batch: ${half} is not in both lists`);
  if (counts.all < expected.length || counts.all > lists.log.length) {
    throw new Error(`count: ${counts.all} increments are stored, at least ${expected.length} were made`);
  }
  return { checked: expected.length, unsaid: lists.log.length - expected.length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      backend: { type: 'string', default: 'redis' },
      fsync: { type: 'boolean', default: false },
      server: { type: 'string' },
    },
  });
  const { kills, seed, fsync, server = '' } = values;
  const start = journalBackends[values.backend];
  if (start === undefined) throw new Error(`--backend takes one of ${Object.keys(journalBackends).join(', ')}`);
  if (server !== '') chooseServer(server);
  const backend = await start();
  const { url, afterKill } = backend;
  try {
    const run = { kills: Number(kills), seed: Number(seed), url, fsync, ...(afterKill && { afterKill }) };
    const { checked, unsaid, seconds } = await journalKills(run);
    const name = [values.backend, server, backend.faults?.()].filter(Boolean).join(', ');
    console.log(
      `${name}: ${kills} kills in ${seconds.toFixed(0)} s; all mutations of ${checked} turns are stored, each once; of ${unsaid} ` +
        'more turns some are, because the writer was killed in them',
    );
  } finally {
    await backend.stop();
  }
}
