// Several processes that change one dict of 20,000 keys at the same time: nobody starves, and nobody's event loop stands still.
// On its own: `node tests/bench/contention.mjs URL [writers] [seconds] [new | existing]`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Memory } from 'synced-memory';
import { median, table, verdict } from './report.mjs';

const keys = 20_000;
const intervalMs = 50;
const timerMs = 5;
/** Sixteen processes compile their code on the same cores, sixteen times. */
const warmUpMs = 1500;
const rounds = 50;

/**
 * @typedef {Record<string, number>} Table
 * @typedef {{ index: number, writers: number, seconds: number, kind: string }} Task
 * @typedef {{ commits: number, mutations: number, flushes: number[], block: number, work: number }} Result
 */

/** @param {string} url */
export async function contention(url) {
  for (const kind of ['new', 'existing']) await contend(url, 16, 15, kind);
  await foreignKeys(url);
}

/** Two memories that add a key each at the same time. @param {string} url */
async function foreignKeys(url) {
  const [ours, theirs] = await Promise.all([openTable(url), openTable(url)]);
  let most = 0;
  let changes = 0;
  ours.$on('change', ({ origin }) => {
    if (origin === 'remote') changes++;
  });
  for (let round = 0; round < rounds; round++) {
    changes = 0;
    ours.table[`ours${round}`] = round;
    theirs.table[`theirs${round}`] = round;
    await Promise.all([ours.$flush(), theirs.$flush()]);
    await ours.$sync();
    most = Math.max(most, changes);
  }
  await Promise.all([ours.$close(), theirs.$close()]);
  verdict('change events for one foreign key beside a pending one of ours', String(most), 'at most 3', most <= 3);
}

/** @param {string} url @returns {Promise<import('synced-memory').Memory<{ table: Table }>>} */
async function openTable(url) {
  return Memory.open({ url, names: ['table'] });
}

/** @param {string} url @param {number} writers @param {number} seconds @param {string} kind */
async function contend(url, writers, seconds, kind) {
  const mem = await openTable(url);
  mem.table = Object.fromEntries(Array.from({ length: keys }, (_, n) => [`key${n}`, n]));
  await mem.$flush();
  const processes = await Promise.all(Array.from({ length: writers }, () => startWriter(url)));
  const results = /** @type {Result[]} */ (
    await Promise.all(processes.map((writer, index) => ask(writer, { index, writers, seconds, kind })))
  );
  for (const writer of processes) writer.kill();
  await mem.$sync();
  const stored = Object.entries(mem.table);
  const done = stored.filter(([key, value]) => (kind === 'new' ? !key.startsWith('key') : value < 0)).length;
  await mem.$close();

  const commits = results.map((result) => result.commits);
  const fair = commits.reduce((sum, count) => sum + count, 0) / writers;
  const flushes = results.flatMap((result) => result.flushes);
  const [worst, usual] = [Math.max(...flushes), median(flushes)];
  const block = Math.max(...results.map((result) => result.block));
  const work = Math.max(...results.map((result) => result.work));
  const slowest = Math.min(...commits) / fair;
  table(`${writers} writers on one dict of ${keys} keys, one ${kind} key every ${intervalMs} ms each, ${seconds} s`, [
    ['commits of each writer', commits.sort((a, b) => b - a).join(' ')],
    ['commits a second', (commits.reduce((sum, count) => sum + count, 0) / seconds).toFixed(0)],
    ['mutations made, keys stored', `${results.reduce((sum, result) => sum + result.mutations, 0)}, ${done}`],
    ['flush, median and worst', `${usual.toFixed(1)} ms, ${worst.toFixed(1)} ms`],
    ['longest block', `${block.toFixed(0)} ms, of which the process had a core for ${work.toFixed(0)} ms`],
  ]);
  verdict('slowest writer', `${slowest.toFixed(2)} of the fair share`, 'at least 0.50', slowest >= 0.5);
  // More processes than cores wait for a core, whatever they do.
  verdict('longest block of the event loop, without waiting for a core', `${work.toFixed(0)} ms`, '50 ms', work <= 50);
  verdict('worst flush', `${(worst / usual).toFixed(1)} × the median`, 'at most 10 ×', worst <= 10 * usual);
}

/** @param {string} url */
async function startWriter(url) {
  const writer = fork(fileURLToPath(import.meta.url), ['writer', url]);
  await once(writer, 'message');
  return writer;
}

/** @param {import('node:child_process').ChildProcess} writer @param {Task} task */
async function ask(writer, task) {
  const answered = once(writer, 'message');
  writer.send(task);
  const [result] = await answered;
  return result;
}

/** @param {string} url */
async function write(url) {
  const mem = await openTable(url);
  process.on('message', async (/** @type {Task} */ task) => process.send?.(await work(mem, task)));
  process.send?.('ready');
}

/** @param {import('synced-memory').Memory<{ table: Table }>} mem @param {Task} task @returns {Promise<Result>} */
async function work(mem, { index, writers, seconds, kind }) {
  const result = { commits: 0, mutations: 0, flushes: /** @type {number[]} */ ([]), block: 0, work: 0 };
  mem.$on('ack', () => result.commits++);
  mem.$on('change', () => {});
  await mem.$sync();
  const warm = performance.now() + warmUpMs;
  let last = performance.now();
  let lastUsage = process.cpuUsage();
  const timer = setInterval(() => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(lastUsage);
    if (last > warm) {
      const block = now - last - timerMs;
      result.block = Math.max(result.block, block);
      result.work = Math.max(result.work, Math.min(block, (user + system) / 1000));
    }
    lastUsage = process.cpuUsage();
    last = now;
  }, timerMs);
  const end = warm + seconds * 1000;
  const { table } = mem;
  let flushing = false;
  let isWarm = false;
  while (performance.now() < end) {
    if (!isWarm && performance.now() > warm) {
      isWarm = true;
      result.commits = 0;
    }
    const n = index + writers * result.mutations++;
    if (kind === 'new') table[`w${n}`] = n;
    else table[`key${n}`] = -1 - n;
    if (!flushing) {
      flushing = true;
      const start = performance.now();
      mem.$flush().then(() => {
        if (start > warm) result.flushes.push(performance.now() - start);
        flushing = false;
      });
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  const { commits } = result;
  clearInterval(timer);
  await mem.$flush();
  return { ...result, commits };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [role = '', second = '', seconds = '15', kind = 'new'] = process.argv.slice(2);
  if (role === 'writer') await write(second);
  else await contend(role, Number(second || 16), Number(seconds), kind).then(() => foreignKeys(role));
}
