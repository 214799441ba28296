// Compares local work: this package beside libraries that observe, copy or replicate plain objects. Each contender has a process of
// its own, and the rounds go in turns.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lineChart, logAxis, logTime } from '../compare/chart.mjs';
import { duration, expectAtMost, newSection, spread } from '../compare/section.mjs';
import { median } from '../report.mjs';
import { contenders } from './contenders.mjs';
import { operations } from './operations.mjs';

/** Aim for the duration of one round, in nanoseconds. */
const roundTime = 4e6;
const maxCalls = 10_000;
const text = `Each library as its manual says, in a process of its own, in turns; medians of the time until a call returns, with
quartiles. Beside: that time in multiples of ours. Whole: with the work at the end of the task, such as the handover to the
core here, and observers elsewhere. valtio, mobx, Vue and on-change only notify; Yjs, Loro, Automerge and SyncedStore replicate
as this package does; immer and mutative make immutable copies. Libraries without an operation are left out of its table.`;
/** Reasons for targets that were missed where this was measured. */
const proxies =
  'each read passes a trap of a Proxy, which finds the child in the plain value; valtio keeps child proxies in its targets';
const handover = 'a mutation is also recorded as text for the core; mobx only notifies observers, and here it has none';

/**
 * @param {string[]} beginnings of the contenders' names; none for all
 * @param {boolean} isQuick
 */
export async function localWork(beginnings, isQuick) {
  const names = Object.keys(contenders).filter(
    (name) => beginnings.length === 0 || beginnings.some((beginning) => name.startsWith(beginning)),
  );
  const workers = new Map(names.map((name) => [name, startWorker(name)]));
  const section = newSection('Local work', text);
  const results = new Map();
  for (const operation of Object.keys(operations)) {
    results.set(operation, await compare(workers, operation, isQuick ? [5, 100] : [15, 400]));
    report(section, operation, results.get(operation));
  }
  for (const worker of workers.values()) worker.kill();
  addChart(section, results, names);
  addVerdicts(section, results);
  return section;
}

/** The versions of the other libraries. */
export function versionsOfPeers() {
  const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  return Object.entries(manifest.dependencies).map(([name, version]) => `${name} ${version}`);
}

function startWorker(name) {
  return fork(fileURLToPath(new URL('worker.mjs', import.meta.url)), [name], { execArgv: ['--expose-gc'] });
}

/** Performs one round. Returns nanoseconds a call; undefined if the contender has no such operation. */
async function performRound(worker, operation, calls) {
  const answer = once(worker, 'message');
  worker.send({ operation, calls });
  const [times] = await answer;
  return times.whole === undefined ? undefined : times;
}

/** `warmUpTime` is in milliseconds: the code is compiled then. */
async function compare(workers, operation, [rounds, warmUpTime]) {
  const { each = 1, calls: limit = maxCalls } = operations[operation];
  const samples = new Map();
  const callsOf = new Map();
  for (const [name, worker] of workers) {
    let calls = 1;
    for (const began = performance.now(); performance.now() - began < warmUpTime; ) {
      const times = await performRound(worker, operation, calls);
      if (times === undefined) break;
      samples.set(name, []);
      const fitting = Math.floor(roundTime / (times.calling * each));
      calls = Math.max(1, Math.min(limit, calls * 20, fitting));
    }
    callsOf.set(name, calls);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, times] of samples) {
      times.push(await performRound(workers.get(name), operation, callsOf.get(name)));
    }
  }
  return samples;
}

function report(section, operation, samples) {
  const ours = samples.get('synced-memory');
  const rows = [...samples].map(([name, times]) => {
    const calling = times.map(({ calling }) => calling / 1000);
    const ratio = ours && median(calling) / medianOf(ours);
    if (ours && !name.startsWith('synced-memory'))
      section.ratios.push({ what: operation, peer: name, ratio: 1 / ratio });
    const whole = duration(median(times.map(({ whole }) => whole / 1000)));
    return [name, spread(calling, duration), ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, whole];
  });
  section.tables.push({ title: operation, rows: [['', 'a call (quartiles)', 'beside', 'whole'], ...rows] });
}

/** One line for each contender, over the operations that all have. */
function addChart(section, results, names) {
  const shown = [...results].filter(([, samples]) => names.every((name) => samples.has(name)));
  const series = names.map((name) => ({
    name,
    points: shown.map(([, samples], index) => [index + 1, medianOf(samples.get(name))]),
  }));
  const x = {
    label: shown.map(([name], index) => `${index + 1}: ${name.replace(/,.*/, '')}`).join('; '),
    scale: 'linear',
  };
  if (shown.length === 0) return;
  const title = 'Local work, a call';
  const axis = { ...x, format: (/** @type {number} */ value) => String(value || '') };
  const svg = lineChart({ title, x: axis, y: logAxis('time, log', logTime), series });
  section.charts.push({ name: 'local-work', title, svg });
}

function addVerdicts(section, results) {
  const expect = (operation, name, other, limit, reason) => {
    const samples = results.get(operation);
    if (!samples.has(name) || !samples.has(other)) return;
    const ratio = medianOf(samples.get(name)) / medianOf(samples.get(other));
    expectAtMost(section, `${operation}: ${name} beside ${other}`, ratio, limit, { reason });
  };
  expect('deep set', 'synced-memory', 'valtio', 1, handover);
  expect('deep set', 'synced-memory', 'mobx', 1, handover);
  expect('push a number', 'synced-memory', 'valtio', 1, handover);
  expect('push a number', 'synced-memory', 'mobx', 1, handover);
  expect('deep get', 'synced-memory', 'valtio', 1.5, proxies);
  expect(
    'JSON.stringify, 1,000 objects, each',
    'synced-memory',
    'plain',
    1.3,
    'the snapshot that it prints is looked up',
  );
  expect(
    'delete in a dict of 100,000',
    'synced-memory, listener',
    'synced-memory',
    3,
    'the listener gets an event for each',
  );
}

/** In microseconds. */
function medianOf(samples) {
  return median(samples.map(({ calling }) => calling)) / 1000;
}
