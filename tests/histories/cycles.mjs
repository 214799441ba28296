// The cycles of a history by kind, as text.
import { buildGraph, findCycles } from './graph.mjs';
import { describe } from './lists.mjs';

/**
 * @typedef {import('./graph.mjs').Edge} Edge
 * @typedef {import('./graph.mjs').Graph} Graph
 */

/**
 * The kinds of cycles, by the edges that they are made of; the names are those of Adya and of Elle. A cycle is reported once, under
 * the first kind that has it.
 * @type {{ name: string, kinds: Edge['kind'][] }[]}
 */
const searches = [
  { name: 'G0 (writes in a circle)', kinds: ['ww'] },
  { name: 'G1c (reads and writes in a circle)', kinds: ['ww', 'wr'] },
  { name: 'G2 (reads that miss writes in a circle: write skew, read skew, lost update)', kinds: ['ww', 'wr', 'rw'] },
  { name: 'real time (an operation does not see one that had ended before it began)', kinds: ['ww', 'wr', 'rw', 'rt'] },
];

/**
 * Describes the shortest cycle of each part of the history that cannot be put in order. None: the history is strictly
 * serialisable.
 * @param {readonly import('./history.mjs').Entry[]} history
 * @param {ReadonlyMap<string, import('./lists.mjs').ListOrder>} orders
 * @returns {string[]}
 */
export function describeCycles(history, orders) {
  const graph = buildGraph(history, orders);
  for (const { name, kinds } of searches) {
    const cycles = findCycles(graph, kinds);
    if (cycles.length > 0) return cycles.map((cycle) => `${name}:\n${cycleText(graph, cycle)}`);
  }
  return [];
}

/** @param {Graph} graph @param {readonly Edge[]} cycle */
function cycleText(graph, cycle) {
  const names = new Map(cycle.map((edge, index) => [edge.from, `T${index + 1}`]));
  const lines = cycle.map(({ from }) => {
    const entry = graph.entries[from];
    return `  ${names.get(from)} = ${entry === undefined ? '' : describe(entry)}`;
  });
  for (const { kind, from, to, because } of cycle) {
    lines.push(`  ${names.get(to)} came after ${names.get(from)} (${kind}): ${because}`);
  }
  return lines.join('\n');
}
