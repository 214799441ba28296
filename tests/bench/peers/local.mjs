// Compares local work: this package beside libraries that observe, copy or replicate plain objects. Each contender has a process of
// its own, and the rounds go in turns. Arguments: the beginnings of the contenders' names; none for all.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median, table, verdict } from '../report.mjs';
import { contenders } from './contenders.mjs';
import { operations } from './operations.mjs';

const rounds = 15;
/** Aim for the duration of one round, in nanoseconds. */
const roundTime = 4e6;
/** Time for which a contender performs an operation before it is measured, in milliseconds: its code is compiled then. */
const warmUpTime = 400;
const maxCalls = 10_000;

const beginnings = process.argv.slice(2);
const names = Object.keys(contenders).filter(
  (name) => beginnings.length === 0 || beginnings.some((beginning) => name.startsWith(beginning)),
);
const workers = new Map(names.map((name) => [name, startWorker(name)]));

printHead();
/** The samples of each operation and contender. */
const results = new Map();
for (const operation of Object.keys(operations)) {
  results.set(operation, await compare(operation));
  printOperation(operation, results.get(operation));
}
for (const worker of workers.values()) worker.kill();
printVerdicts();

function startWorker(name) {
  return fork(fileURLToPath(new URL('worker.mjs', import.meta.url)), [name], { execArgv: ['--expose-gc'] });
}

/** Performs one round. Returns nanoseconds a call; undefined if the contender has no such operation. */
async function performRound(name, operation, calls) {
  const worker = workers.get(name);
  const answer = once(worker, 'message');
  worker.send({ operation, calls });
  const [times] = await answer;
  return times.whole === undefined ? undefined : times;
}

async function compare(operation) {
  const { each = 1, calls: limit = maxCalls } = operations[operation];
  const samples = new Map();
  const callsOf = new Map();
  for (const name of names) {
    let calls = 1;
    for (const began = performance.now(); performance.now() - began < warmUpTime; ) {
      const times = await performRound(name, operation, calls);
      if (times === undefined) break;
      samples.set(name, []);
      const fitting = Math.floor(roundTime / (times.calling * each));
      calls = Math.max(1, Math.min(limit, calls * 20, fitting));
    }
    callsOf.set(name, calls);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, times] of samples) times.push(await performRound(name, operation, callsOf.get(name)));
  }
  return samples;
}

function printHead() {
  const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const versions = Object.entries(manifest.dependencies).map(([name, version]) => `${name} ${version}`);
  console.log(`\nNode ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds in turns`);
  console.log(versions.join(', '));
  console.log('calls: median time until a call returns; quartiles: its spread; × ours: beside synced-memory.');
  console.log("whole: the same with the work at the end of the task, such as synced-memory's handover to its core.");
}

function printOperation(operation, samples) {
  const ours = samples.get('synced-memory');
  const rows = [...samples].map(([name, times]) => {
    const calling = times.map(({ calling }) => calling);
    const quartiles = `${format(quantile(calling, 0.25))} to ${format(quantile(calling, 0.75))}`;
    const ratio = ours === undefined ? '' : (median(calling) / medianOf(ours)).toFixed(2);
    return [name, format(median(calling)), quartiles, ratio, format(median(times.map(({ whole }) => whole)))];
  });
  table(operation, [['', 'calls', 'quartiles', '× ours', 'whole'], ...rows]);
}

function printVerdicts() {
  console.log('');
  printVerdict('deep set', 'synced-memory', 'valtio', 1);
  printVerdict('deep set', 'synced-memory', 'mobx', 1);
  printVerdict('push a number', 'synced-memory', 'valtio', 1);
  printVerdict('push a number', 'synced-memory', 'mobx', 1);
  printVerdict('deep get', 'synced-memory', 'valtio', 1.5);
  printVerdict('JSON.stringify, 1,000 objects, each', 'synced-memory', 'plain', 1.3);
  printVerdict('delete in a dict of 100,000', 'synced-memory, listener', 'synced-memory', 3);
}

function printVerdict(operation, name, other, target) {
  const samples = results.get(operation);
  if (!samples.has(name) || !samples.has(other)) return;
  const ratio = medianOf(samples.get(name)) / medianOf(samples.get(other));
  verdict(`${operation}: ${name} beside ${other}`, `${ratio.toFixed(2)} ×`, `at most ${target} ×`, ratio <= target);
}

function medianOf(samples) {
  return median(samples.map(({ calling }) => calling));
}

function quantile(values, part) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)];
}

function format(ns) {
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` : `${(ns / 1e6).toFixed(1)} ms`;
}
