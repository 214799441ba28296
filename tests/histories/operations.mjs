// Random operations. They follow from the seed, the process and the time.
import { accounts } from './invariants.mjs';

/** Lists of one epoch. Lists are retired so that none grows long. */
const LISTS = 4;
/** Logs, which are spread over the nodes of a cluster. */
const LOGS = 3;

/**
 * A set of operations: `plain` are mutations and batches, `transactions` are transactions, `names` are transactions that depend on
 * which attributes there are, `replicas` are transfers and sums that a process reads from its replicas at any moment.
 * @typedef {'plain' | 'transactions' | 'names' | 'replicas'} OperationSet
 */

/** @type {readonly OperationSet[]} */
export const operationSets = ['plain', 'transactions', 'names', 'replicas'];

/** @param {number} epoch */
export const listsOf = (epoch) => Array.from({ length: LISTS }, (_, n) => `list${epoch}.${n}`);
/** @param {number} epoch */
export const claimsOf = (epoch) => `claims${epoch}`;
export const logs = Array.from({ length: LOGS }, (_, n) => `log${n}`);

/** Generates the operations of one lane of a process. */
export class Operations {
  #random;
  #process;
  #kinds;
  #number = 0;

  /** @param {(below: number) => number} random @param {string} process @param {readonly OperationSet[]} sets */
  constructor(random, process, sets) {
    this.#random = random;
    this.#process = process;
    const kinds = {
      plain: this.#plain(),
      transactions: this.#transactions(),
      names: this.#names(),
      replicas: this.#replicas(),
    };
    this.#kinds = sets.flatMap((set) => kinds[set]);
  }

  /** The next operation, on the lists of an epoch. @param {number} epoch @returns {import('./history.mjs').Operation} */
  next(epoch) {
    this.#number++;
    return this.#pick(this.#kinds)(epoch);
  }

  /** @returns {((epoch: number) => import('./history.mjs').Operation)[]} */
  #plain() {
    return [
      (epoch) => ({ kind: 'push', steps: [this.#append(this.#pick(listsOf(epoch)))] }),
      (epoch) => ({ kind: 'batch', steps: this.#some(listsOf(epoch)).map((list) => this.#append(list)) }),
      () => ({ kind: 'log', name: this.#pick(logs), item: this.#value(), number: this.#number }),
      () => ({ kind: 'log', name: this.#pick(logs), item: this.#value(), number: this.#number }),
      () => ({ kind: 'count', name: 'counts', number: this.#number }),
      () => ({ kind: 'increment', name: 'increments' }),
    ];
  }

  /** @returns {((epoch: number) => import('./history.mjs').Operation)[]} */
  #transactions() {
    return [
      (epoch) => ({ kind: 'transaction', steps: this.#steps(listsOf(epoch)) }),
      (epoch) => ({ kind: 'transaction', steps: this.#skew(listsOf(epoch)) }),
      (epoch) => ({ kind: 'transaction', steps: this.#some(listsOf(epoch)).map((list) => ['read', list]) }),
      () => this.#transfer(),
      () => ({ kind: 'sum' }),
      (epoch) => ({ kind: 'claim', name: claimsOf(epoch), key: `c${this.#random(50)}` }),
    ];
  }

  /** @returns {((epoch: number) => import('./history.mjs').Operation)[]} */
  #names() {
    return [(epoch) => ({ kind: 'seat', round: `${epoch}.${this.#random(3)}` })];
  }

  /** @returns {((epoch: number) => import('./history.mjs').Operation)[]} */
  #replicas() {
    return [() => this.#transfer(), () => ({ kind: 'local sum' })];
  }

  /** One to four steps; a list that is read may have been appended to before. @param {string[]} lists */
  #steps(lists) {
    const count = 1 + this.#random(4);
    return Array.from({ length: count }, () => {
      const list = this.#pick(lists);
      return this.#random(2) === 0 ? this.#append(list) : this.#read(list);
    });
  }

  /** Reads one list and appends to another. @param {string[]} lists */
  #skew(lists) {
    const [read = '', append = ''] = this.#some(lists, 2);
    return [this.#read(read), this.#append(append)];
  }

  /** @returns {import('./history.mjs').Operation} */
  #transfer() {
    const [from = '', to = ''] = this.#some(accounts, 2);
    // A memo makes the commit too large for a delta.
    const memo = this.#random(10) === 0 ? 20_000 : 0;
    return { kind: 'transfer', from, to, amount: 1 + this.#random(50), memo };
  }

  /** @param {string} list @returns {import('./history.mjs').Step} */
  #append(list) {
    return ['append', list, this.#value()];
  }

  /** @param {string} list @returns {import('./history.mjs').Step} */
  #read(list) {
    return ['read', list];
  }

  /** A value that is used once in the run. */
  #value() {
    this.#values++;
    return `${this.#process}:${this.#values}`;
  }

  #values = 0;

  /** @template T @param {readonly T[]} from @returns {T} */
  #pick(from) {
    return /** @type {T} */ (from[this.#random(from.length)]);
  }

  /** Different items in random order, at least two. @template T @param {readonly T[]} from */
  #some(from, count = 2 + this.#random(from.length - 1)) {
    const left = [...from];
    return Array.from({ length: count }, () => left.splice(this.#random(left.length), 1)[0] ?? this.#pick(from));
  }
}
