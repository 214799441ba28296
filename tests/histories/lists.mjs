// The order of appends that the final lists show, and the reads and appends that contradict it.
import { appendsOf, digests, summarize } from './history.mjs';

/**
 * @typedef {import('./history.mjs').Entry} Entry
 * @typedef {{ list: string, elements: string[], writers: Entry[], digests: number[] }} ListOrder the elements of a list, who appended
 * each, and the digests of all versions
 */

/**
 * The order of appends to each list, and the problems that need no graph: elements that are lost, there twice, of a failed
 * operation or of none; an operation that is there in part; reads that are no version of the list.
 * @param {readonly Entry[]} history @param {Readonly<Record<string, readonly string[]>>} lists the final lists
 * @returns {{ orders: Map<string, ListOrder>, problems: string[] }}
 */
export function orderLists(history, lists) {
  const problems = /** @type {string[]} */ ([]);
  const writers = writersOf(history);
  const orders = new Map();
  for (const [list, elements] of Object.entries(lists)) {
    const order = { list, elements: [...elements], writers: /** @type {Entry[]} */ ([]), digests: digests(elements) };
    const seen = new Set();
    for (const element of elements) {
      const writer = writers.get(`${list} ${element}`);
      if (seen.has(element)) problems.push(`twice: ${element} is in ${list} more than once`);
      else if (writer === undefined) problems.push(`unknown: ${list} has ${element}, which no operation appended`);
      else if (writer.outcome === 'failed') {
        problems.push(`aborted: ${list} has ${element} of an operation that failed: ${describe(writer)}`);
      }
      seen.add(element);
      order.writers.push(/** @type {Entry} */ (writer));
    }
    orders.set(list, order);
  }
  for (const entry of history) {
    problems.push(...checkAppends(entry, orders));
    problems.push(...checkReads(entry, orders));
  }
  return { orders, problems: summarize(problems) };
}

/** The entry that appended each element, by list and element. @param {readonly Entry[]} history @returns {Map<string, Entry>} */
function writersOf(history) {
  const writers = new Map();
  for (const entry of history) {
    for (const [list, values] of appendsOf(entry.operation)) {
      for (const value of values) writers.set(`${list} ${value}`, entry);
    }
  }
  return writers;
}

/** @param {Entry} entry @param {Map<string, ListOrder>} orders */
function checkAppends(entry, orders) {
  const missing = [];
  let present = 0;
  for (const [list, values] of appendsOf(entry.operation)) {
    const elements = orders.get(list)?.elements ?? [];
    const places = values.map((value) => elements.indexOf(value));
    for (const [index, place] of places.entries()) {
      if (place < 0) missing.push(`${values[index]} in ${list}`);
      else present++;
    }
    const isTogether = places.every(
      (place, index) => index === 0 || place < 0 || place === Number(places[index - 1]) + 1,
    );
    if (!isTogether) return [`apart: ${list} does not have ${values.join(', ')} side by side: ${describe(entry)}`];
  }
  if (missing.length === 0) return [];
  if (entry.outcome === 'ok') return [`lost: ${missing.join(', ')} of an acknowledged operation: ${describe(entry)}`];
  if (present > 0)
    return [`torn: ${missing.join(', ')} is missing, the rest of the operation is there: ${describe(entry)}`];
  return [];
}

/** True if the list had this version. @param {ListOrder | undefined} order @param {import('./history.mjs').Read} read */
export function isVersion(order, read) {
  return order !== undefined && order.digests[read.version] === read.digest;
}

/** @param {Entry} entry @param {Map<string, ListOrder>} orders */
function checkReads(entry, orders) {
  const problems = [];
  for (const read of entry.outcome === 'ok' ? entry.reads : []) {
    const order = orders.get(read.list);
    if (read.missesOwn) problems.push(`internal: ${read.list} was read without an own append: ${describe(entry)}`);
    if (order === undefined || !isVersion(order, read)) {
      const end = `${read.version} elements that end in ${read.end.join(', ')}`;
      problems.push(`incompatible: ${read.list} was read as ${end}, and never was that: ${describe(entry)}`);
      continue;
    }
    const [last, next] = [order.writers[read.version - 1], order.writers[read.version]];
    if (last !== undefined && last === next && last !== entry) {
      problems.push(`intermediate: ${read.list} was read between two appends of one operation: ${describe(last)}`);
    }
  }
  return problems;
}

/** One line of text. @param {Entry} entry */
export function describe(entry) {
  const { operation, outcome, process } = entry;
  const reads = [...entry.reads];
  const parts = [];
  if ('steps' in operation) {
    for (const [act, list, value] of operation.steps) {
      if (act === 'append') parts.push(`append ${value} to ${list}`);
      else {
        const read = reads.shift();
        const end = read?.end.at(-1);
        parts.push(
          `read ${list}: ${read?.version ?? 'unknown'} elements${end === undefined ? '' : `, the last is ${end}`}`,
        );
      }
    }
  } else parts.push(JSON.stringify(operation));
  return `${operation.kind} of ${process} (${outcome}): ${parts.join('; ')}`;
}
