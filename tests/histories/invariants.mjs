// The invariants of the operations that are not appends to the lists of the graph.
import { summarize } from './history.mjs';

/**
 * @typedef {import('./history.mjs').Entry} Entry
 * @typedef {import('./history.mjs').Operation} Operation
 * @typedef {Record<string, unknown>} State the final documents by name
 */

/** Accounts, and what they hold together. */
export const accounts = ['account0', 'account1', 'account2', 'account3'];
export const total = 1000 * accounts.length;

/** The operations of a history of one kind. @template {Operation['kind']} K @param {readonly Entry[]} history @param {K} kind */
function ofKind(history, kind) {
  const found = history.filter(({ operation }) => operation.kind === kind);
  return /** @type {(Entry & { operation: Extract<Operation, { kind: K }> })[]} */ (found);
}

/** The balance of all accounts. @param {State} state */
export function sumOf(state) {
  return accounts.reduce((sum, name) => sum + Number(/** @type {{ balance?: number }} */ (state[name])?.balance), 0);
}

/** Transfers leave the sum as it is, and nobody sees half of one. @param {readonly Entry[]} history @param {State} state */
export function checkSums(history, state) {
  const sums = [...ofKind(history, 'sum'), ...ofKind(history, 'local sum')].filter(({ outcome }) => outcome === 'ok');
  const wrong = sums.filter(({ value }) => value !== total);
  const problems = wrong.map(
    ({ operation, process, value }) => `${operation.kind}: ${process} saw ${value}, not ${total}`,
  );
  if (accounts.some((name) => name in state) && sumOf(state) !== total) {
    problems.push(`sum: the accounts hold ${sumOf(state)}, not ${total}`);
  }
  return summarize(problems);
}

/** Each claim was granted once, and is stored. @param {readonly Entry[]} history @param {State} state */
export function checkClaims(history, state) {
  const problems = [];
  /** @type {Map<string, string>} */
  const granted = new Map();
  for (const { operation, process, outcome, value } of ofKind(history, 'claim')) {
    if (outcome !== 'ok' || value !== true) continue;
    const { name, key } = operation;
    const claim = `${name}.${key}`;
    const before = granted.get(claim);
    if (before !== undefined) problems.push(`claim: ${claim} was granted to ${before} and to ${process}`);
    granted.set(claim, process);
    const stored = /** @type {Record<string, string>} */ (state[name])?.[key];
    if (stored !== process) problems.push(`claim: ${claim} was granted to ${process}, ${stored ?? 'nobody'} has it`);
  }
  return summarize(problems);
}

/** The name of a seat. @param {string} round @param {string} process */
export const seatName = (round, process) => `${seatPrefix(round)}${process}`;
/** @param {string} round */
export const seatPrefix = (round) => `seat-${round}-`;

/** At most one seat was booked in each round. @param {readonly Entry[]} history @param {State} state */
export function checkSeats(history, state) {
  const problems = [];
  const seats = ofKind(history, 'seat');
  for (const round of new Set(seats.map(({ operation }) => operation.round))) {
    const names = Object.keys(state).filter((name) => name.startsWith(seatPrefix(round)));
    if (names.length > 1) problems.push(`phantom: in round ${round} there are ${names.join(' and ')}`);
  }
  for (const { operation, process, outcome, value } of seats) {
    const name = seatName(operation.round, process);
    if (outcome === 'ok' && value === true && !(name in state))
      problems.push(`lost: ${name} was booked and is not there`);
  }
  return summarize(problems);
}

/** Every log has what was acknowledged once, and the items of each process in order. @param {readonly Entry[]} history @param {State} state */
export function checkLogs(history, state) {
  const problems = [];
  const made = ofKind(history, 'log');
  const items = new Map(made.map((entry) => [entry.operation.item, entry]));
  const logs = new Set(made.map(({ operation }) => operation.name));
  const found = new Set();
  for (const name of logs) {
    /** @type {Map<string, number>} */
    const last = new Map();
    for (const item of /** @type {string[]} */ (state[name] ?? [])) {
      const entry = items.get(item);
      if (found.has(item)) problems.push(`twice: ${item} is in ${name} more than once`);
      found.add(item);
      if (entry === undefined) {
        problems.push(`unknown: ${name} has ${item}, which nobody pushed`);
        continue;
      }
      const { number } = entry.operation;
      if (number < (last.get(entry.process) ?? -1))
        problems.push(`order: ${item} is in ${name} after a later one of its process`);
      last.set(entry.process, number);
    }
  }
  for (const { operation, outcome } of made) {
    if (outcome === 'ok' && !found.has(operation.item))
      problems.push(`lost: ${operation.item} is not in ${operation.name}`);
  }
  return summarize(problems);
}

/** Each count of a process is the last one, or one that it made later. @param {readonly Entry[]} history @param {State} state */
export function checkCounts(history, state) {
  const problems = [];
  /** @type {Map<string, { name: string, process: string, acknowledged: number, made: number }>} */
  const counts = new Map();
  for (const { operation, process, outcome } of ofKind(history, 'count')) {
    const { name, number } = operation;
    const key = `${name} ${process}`;
    const count = counts.get(key) ?? { name, process, acknowledged: -1, made: -1 };
    counts.set(key, count);
    count.made = Math.max(count.made, number);
    if (outcome === 'ok') count.acknowledged = Math.max(count.acknowledged, number);
  }
  for (const { name, process, acknowledged, made } of counts.values()) {
    const stored = /** @type {Record<string, number>} */ (state[name])?.[process] ?? -1;
    if (stored < acknowledged || stored > made) {
      problems.push(`lost: ${name}.${process} is ${stored}, between ${acknowledged} and ${made} was expected`);
    }
  }
  return summarize(problems);
}

/** Every increment counts once, and gave a number of its own. @param {readonly Entry[]} history @param {State} state */
export function checkIncrements(history, state) {
  const problems = [];
  const increments = ofKind(history, 'increment');
  for (const name of new Set(increments.map(({ operation }) => operation.name))) {
    const own = increments.filter(({ operation }) => operation.name === name);
    const results = own.flatMap(({ outcome, value }) => (outcome === 'ok' ? [value] : []));
    if (new Set(results).size < results.length) problems.push(`twice: two increments of ${name} gave the same number`);
    const most = own.filter(({ outcome }) => outcome !== 'failed').length;
    const stored = Number(state[name] ?? 0);
    if (stored < results.length || stored > most) {
      problems.push(`increments: ${name} is ${stored} after ${results.length} acknowledged and at most ${most}`);
    }
  }
  return problems;
}
