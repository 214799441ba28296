// The mutations of a fault run. They follow from seed, writer and life alone, so the checker can compute them.
import { randomNumbers } from './random.mjs';

/**
 * One mutation. Each item is unique: `writer.life:number`.
 * @typedef {{ kind: 'push' | 'insert' | 'remove' | 'count' | 'assign', item: string, number: number }} Operation
 */

/**
 * @param {number} seed @param {number} writer @param {number} life which process of this writer, from 0
 * @param {number} count
 * @returns {Generator<Operation>}
 */
export function* operations(seed, writer, life, count) {
  const random = randomNumbers(seed * 1000 + writer * 37 + life);
  /** @type {string[]} */
  const own = [];
  for (let number = 1; number <= count; number++) {
    const item = `${writer}.${life}:${number}`;
    const choice = random(10);
    if (choice < 4) yield { kind: 'push', item, number };
    else if (choice < 6 || (choice < 8 && own.length === 0)) {
      own.push(item);
      yield { kind: 'insert', item, number };
    } else if (choice < 8) {
      const [removed = ''] = own.splice(random(own.length), 1);
      yield { kind: 'remove', item: removed, number };
    } else if (choice < 9) yield { kind: 'count', item, number };
    else yield { kind: 'assign', item, number };
  }
}

/**
 * @typedef {{ writer: number, life: number, acknowledged: number, made: number }} Life `made`: at most
 * @typedef {{ log: string[], bag: string[], counts: Record<string, string>, [own: string]: unknown }} State
 */

/**
 * Throws where the state is not the result of the writers' mutations.
 * @param {State} state @param {Life[]} lives @param {number} seed
 * @returns {number} mutations checked
 */
export function check(state, lives, seed) {
  const log = positions('log', state.log);
  const bag = positions('bag', state.bag);
  let checked = 0;
  /** The values that the registers of each writer may hold, over all its lives. @type {Map<number, { counted: Set<string>, assigned: Set<string> }>} */
  const registers = new Map();
  const inOrder = [...lives].sort((a, b) => a.life - b.life);
  for (const { writer, life, acknowledged, made } of inOrder) {
    const who = `writer ${writer}, life ${life}, ${acknowledged} acknowledged`;
    /** @type {Map<string, { inserted: number, removed: number }>} */
    const items = new Map();
    let before = -1;
    let missing = '';
    const { counted, assigned } = registers.get(writer) ?? { counted: new Set(['']), assigned: new Set(['']) };
    registers.set(writer, { counted, assigned });
    for (const { kind, item, number } of operations(seed, writer, life, made)) {
      const isCertain = number <= acknowledged;
      if (isCertain) checked++;
      if (kind === 'push') {
        const at = log.get(item);
        if (at === undefined) {
          if (isCertain) throw new Error(`lost: ${item} is not in the log (${who})`);
          missing ||= item;
        } else {
          if (missing !== '') throw new Error(`order: ${item} is in the log without ${missing} (${who})`);
          if (at < before) throw new Error(`order: ${item} is in the log before what was pushed earlier (${who})`);
          before = at;
        }
        log.delete(item);
      } else if (kind === 'insert') items.set(item, { inserted: number, removed: Number.POSITIVE_INFINITY });
      else if (kind === 'remove') items.set(item, { inserted: items.get(item)?.inserted ?? 0, removed: number });
      else last(kind === 'count' ? counted : assigned, item, isCertain);
    }
    for (const [item, { inserted, removed }] of items) {
      const isThere = bag.delete(item);
      if (removed <= acknowledged && isThere) throw new Error(`back: ${item} was removed and is in the bag (${who})`);
      const mustBe = inserted <= acknowledged && removed > made;
      if (mustBe && !isThere) throw new Error(`lost: ${item} is not in the bag (${who})`);
    }
  }
  for (const [writer, { counted, assigned }] of registers) {
    const values = /** @type {const} */ ([
      ['the count', state.counts[writer] ?? '', counted],
      ['its own attribute', own(state, writer), assigned],
    ]);
    for (const [name, value, possible] of values) {
      if (!possible.has(value)) throw new Error(`lost: of writer ${writer}, ${name} is ${value || 'not there'}`);
    }
  }
  if (log.size > 0) throw new Error(`unknown in the log: ${[...log.keys()].slice(0, 5)}`);
  if (bag.size > 0) throw new Error(`unknown in the bag: ${[...bag.keys()].slice(0, 5)}`);
  return checked;
}

/** @param {State} state @param {number} writer */
function own(state, writer) {
  return String(/** @type {{ item?: string } | undefined} */ (state[`own${writer}`])?.item ?? '');
}

/**
 * Notes that a register may hold a value; a certain one replaces the values noted before.
 * @param {Set<string>} register @param {string} value @param {boolean} isCertain
 */
function last(register, value, isCertain) {
  if (isCertain) register.clear();
  register.add(value);
}

/** @param {string} name @param {string[]} list @returns {Map<string, number>} */
function positions(name, list) {
  const found = new Map(list.map((item, index) => [item, index]));
  if (found.size !== list.length) {
    const twice = list.find((item, index) => list.indexOf(item) !== index);
    throw new Error(`twice: ${twice} in the ${name}`);
  }
  return found;
}
