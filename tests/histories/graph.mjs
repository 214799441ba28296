// The dependency graph of a history, and its cycles: a history is serialisable if the graph has none.
import { appendsOf } from './history.mjs';
import { isVersion } from './lists.mjs';

/**
 * @typedef {import('./history.mjs').Entry} Entry
 * @typedef {import('./lists.mjs').ListOrder} ListOrder
 */

/**
 * One dependency: `to` came after `from`.
 * - `ww`: it appended the next element of a list. - `wr`: it read the element. - `rw`: it appended the element after those that
 * `from` read. - `rt`: it began after `from` had ended.
 * @typedef {{ kind: 'ww' | 'wr' | 'rw' | 'rt', from: number, to: number, because: string }} Edge
 */

/**
 * The graph over the entries that took effect. Entries of unknown outcome count if one of their appends is there.
 * @typedef {{ entries: Entry[], edges: Edge[][] }} Graph `edges` are those that leave each entry
 */

/**
 * @param {readonly Entry[]} history @param {ReadonlyMap<string, ListOrder>} orders
 * @returns {Graph}
 */
export function buildGraph(history, orders) {
  const entries = history.filter((entry) => 'steps' in entry.operation && tookEffect(entry, orders));
  const numbers = new Map(entries.map((entry, index) => [entry, index]));
  /** @type {Graph} */
  const graph = { entries, edges: entries.map(() => []) };
  /** @param {Edge['kind']} kind @param {Entry | undefined} from @param {Entry | undefined} to @param {string} because */
  const add = (kind, from, to, because) => {
    const [source, target] = [from && numbers.get(from), to && numbers.get(to)];
    if (source === undefined || target === undefined || source === target) return;
    graph.edges[source]?.push({ kind, from: source, to: target, because });
  };
  for (const { list, elements, writers } of orders.values()) {
    for (let at = 1; at < elements.length; at++) {
      add('ww', writers[at - 1], writers[at], `${list} has ${elements[at]} after ${elements[at - 1]}`);
    }
  }
  for (const entry of entries) {
    for (const read of entry.outcome === 'ok' ? entry.reads : []) {
      const { list, version } = read;
      const order = orders.get(list);
      if (order === undefined || !isVersion(order, read)) continue;
      const { elements, writers } = order;
      if (version > 0) add('wr', writers[version - 1], entry, `it read ${elements[version - 1]} in ${list}`);
      // The entry's own appends follow what it read.
      let next = version;
      while (writers[next] === entry) next++;
      add('rw', entry, writers[next], `it appended ${elements[next]} to ${list}, which was read without it`);
    }
  }
  addRealTime(entries, add);
  return graph;
}

/** @param {Entry} entry @param {ReadonlyMap<string, ListOrder>} orders */
function tookEffect(entry, orders) {
  if (entry.outcome !== 'unknown') return entry.outcome === 'ok';
  return [...appendsOf(entry.operation)].some(([list, values]) => orders.get(list)?.elements.includes(values[0] ?? ''));
}

/**
 * Adds an edge from each entry to those that began after its end, without edges that follow from others.
 * @param {readonly Entry[]} entries
 * @param {(kind: Edge['kind'], from: Entry, to: Entry, because: string) => void} add
 */
function addRealTime(entries, add) {
  const moments = entries.flatMap((entry) => [
    { at: entry.start, entry, isEnd: false },
    { at: entry.end, entry, isEnd: true },
  ]);
  moments.sort((one, other) => one.at - other.at || Number(one.isEnd) - Number(other.isEnd));
  // The entries that have ended, without those that ended before another one of them began.
  const latest = new Set();
  /** @type {Map<Entry, Entry[]>} */
  const before = new Map();
  for (const { entry, isEnd } of moments) {
    if (!isEnd) {
      before.set(entry, [...latest]);
      for (const earlier of latest) add('rt', earlier, entry, 'it began after the other had ended');
    } else if (entry.end < Number.POSITIVE_INFINITY) {
      for (const earlier of before.get(entry) ?? []) latest.delete(earlier);
      before.delete(entry);
      latest.add(entry);
    }
  }
}

/**
 * The shortest cycle that was found in each strongly connected part of the graph.
 * @param {Graph} graph @param {readonly Edge['kind'][]} kinds the edges to follow
 * @returns {Edge[][]}
 */
export function findCycles(graph, kinds) {
  const edges = graph.edges.map((leaving) => leaving.filter(({ kind }) => kinds.includes(kind)));
  return components(edges)
    .filter((component) => component.length > 1)
    .map((component) => shortestCycle(edges, new Set(component)));
}

/** Tarjan's algorithm, without recursion. @param {Edge[][]} edges @returns {number[][]} */
function components(edges) {
  const index = /** @type {(number | undefined)[]} */ (edges.map(() => undefined));
  const low = edges.map(() => 0);
  const isOpen = edges.map(() => false);
  const open = /** @type {number[]} */ ([]);
  const found = [];
  let next = 0;
  for (let root = 0; root < edges.length; root++) {
    if (index[root] !== undefined) continue;
    const path = [{ node: root, at: 0 }];
    while (path.length > 0) {
      const frame = /** @type {{ node: number, at: number }} */ (path.at(-1));
      const { node } = frame;
      if (frame.at === 0) {
        index[node] = low[node] = next++;
        open.push(node);
        isOpen[node] = true;
      }
      const edge = edges[node]?.[frame.at++];
      if (edge !== undefined) {
        if (index[edge.to] === undefined) path.push({ node: edge.to, at: 0 });
        else if (isOpen[edge.to]) low[node] = Math.min(Number(low[node]), Number(index[edge.to]));
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above !== undefined) low[above.node] = Math.min(Number(low[above.node]), Number(low[node]));
      if (low[node] !== index[node]) continue;
      const component = open.splice(open.lastIndexOf(node));
      for (const member of component) isOpen[member] = false;
      found.push(component);
    }
  }
  return found;
}

/** Entries of a component from which the shortest cycle is searched. */
const MAX_STARTS = 500;

/** @param {Edge[][]} edges @param {Set<number>} component @returns {Edge[]} */
function shortestCycle(edges, component) {
  let best = /** @type {Edge[] | undefined} */ (undefined);
  for (const start of [...component].slice(0, MAX_STARTS)) {
    const cycle = cycleThrough(edges, component, start, best?.length ?? Number.POSITIVE_INFINITY);
    if (cycle !== undefined) best = cycle;
  }
  return best ?? [];
}

/**
 * A shortest cycle through `start` that has fewer than `limit` edges.
 * @param {Edge[][]} edges @param {Set<number>} component @param {number} start @param {number} limit
 */
function cycleThrough(edges, component, start, limit) {
  /** @type {Map<number, Edge>} */
  const arrivals = new Map();
  let front = [start];
  for (let length = 1; length < limit && front.length > 0; length++) {
    const reached = [];
    for (const node of front) {
      for (const edge of edges[node] ?? []) {
        if (edge.to === start) return [...pathTo(arrivals, start, node), edge];
        if (!component.has(edge.to) || arrivals.has(edge.to)) continue;
        arrivals.set(edge.to, edge);
        reached.push(edge.to);
      }
    }
    front = reached;
  }
  return undefined;
}

/** @param {Map<number, Edge>} arrivals @param {number} start @param {number} node */
function pathTo(arrivals, start, node) {
  const path = [];
  for (let at = node; at !== start; ) {
    const edge = /** @type {Edge} */ (arrivals.get(at));
    path.unshift(edge);
    at = edge.from;
  }
  return path;
}
