// Performing an operation through the public API.
import { setTimeout } from 'node:timers/promises';
import { readOf } from './history.mjs';
import { accounts, seatName, seatPrefix, sumOf } from './invariants.mjs';

/**
 * The memories of one process: `tagged` has all its keys in one slot of a cluster, `spread` in many.
 * @typedef {ReturnType<typeof JSON.parse>} Any
 * @typedef {{ tagged: Any, spread: Any }} Memories
 * @typedef {import('./history.mjs').Operation} Operation
 * @typedef {import('./history.mjs').Read} Read
 */

/**
 * Resolves when the operation is acknowledged. Rejects with what the memory rejects with.
 * @param {Memories} memories @param {Operation} operation @param {string} process
 * @param {(below: number) => number} random
 * @returns {Promise<{ reads?: Read[], value?: unknown }>}
 */
export async function perform({ tagged, spread }, operation, process, random) {
  switch (operation.kind) {
    case 'transaction':
      return { reads: await tagged.$transaction((/** @type {Any} */ draft) => take(draft, operation.steps, random)) };
    case 'push':
    case 'batch':
      tagged.$batch(() => {
        for (const [, list, value] of operation.steps) tagged[list].push(value);
      });
      await tagged.$flush();
      return {};
    case 'transfer':
      await tagged.$transaction((/** @type {Any} */ draft) => transfer(draft, operation));
      return {};
    case 'sum':
      return { value: await tagged.$transaction((/** @type {Any} */ draft) => pausing(random, accounts, draft)) };
    case 'local sum':
      return { value: sumOf(tagged) };
    case 'claim':
      return { value: await tagged.$transaction((/** @type {Any} */ draft) => claim(draft, operation, process)) };
    case 'seat':
      return { value: await tagged.$transaction((/** @type {Any} */ draft) => book(draft, operation.round, process)) };
    case 'log':
      spread[operation.name].push(operation.item);
      await spread.$flush();
      return {};
    case 'count':
      spread[operation.name][process] = operation.number;
      await spread.$flush();
      return {};
    case 'increment':
      return { value: await spread.$increment(operation.name, 1) };
  }
}

/** @param {Any} draft @param {import('./history.mjs').Step[]} steps @param {(below: number) => number} random */
async function take(draft, steps, random) {
  const reads = [];
  /** @type {Record<string, string[]>} */
  const own = {};
  for (const [act, list, value = ''] of steps) {
    if (act === 'append') {
      draft[list].push(value);
      own[list] = [...(own[list] ?? []), value];
    } else reads.push(readOf(list, [...draft[list]], own[list]));
    if (random(3) === 0) await setTimeout(random(3));
  }
  return reads;
}

/** @param {Any} draft @param {Extract<Operation, { kind: 'transfer' }>} operation */
function transfer(draft, { from, to, amount, memo }) {
  draft[from].balance -= amount;
  draft[to].balance += amount;
  draft[to].memo = 'x'.repeat(memo);
}

/** The sum, read with a pause in the middle. @param {(below: number) => number} random @param {string[]} names @param {Any} draft */
async function pausing(random, names, draft) {
  let sum = 0;
  for (const name of names) {
    sum += draft[name].balance;
    if (random(4) === 0) await setTimeout(random(3));
  }
  return sum;
}

/** @param {Any} draft @param {{ name: string, key: string }} operation @param {string} process */
function claim(draft, { name, key }, process) {
  if (draft[name][key] !== undefined) return false;
  draft[name][key] = process;
  return true;
}

/** Books the seat of a round if the names show that nobody has. @param {Any} draft @param {string} round @param {string} process */
function book(draft, round, process) {
  if (Object.keys(draft).some((name) => name.startsWith(seatPrefix(round)))) return false;
  draft[seatName(round, process)] = 1;
  return true;
}
