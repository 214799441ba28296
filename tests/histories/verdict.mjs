// All checks of one history.
import { describeCycles } from './cycles.mjs';
import { checkClaims, checkCounts, checkIncrements, checkLogs, checkSeats, checkSums } from './invariants.mjs';
import { orderLists } from './lists.mjs';

/**
 * The problems of a history, none if it is correct. `lists` names the lists of the graph among the final documents.
 * @param {readonly import('./history.mjs').Entry[]} history
 * @param {Record<string, unknown>} state the final documents by name
 * @param {readonly string[]} lists
 * @returns {string[]}
 */
export function judge(history, state, lists) {
  const final = Object.fromEntries(lists.map((name) => [name, /** @type {string[]} */ (state[name] ?? [])]));
  const { orders, problems } = orderLists(history, final);
  const others = [checkSums, checkClaims, checkSeats, checkLogs, checkCounts, checkIncrements];
  return [...problems, ...describeCycles(history, orders), ...others.flatMap((check) => check(history, state))];
}
