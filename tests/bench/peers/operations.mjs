// The operations that are compared. `state` makes what they work on; `change` and `read` get it as the contender has it, and a
// number that grows with each call. `each` is the number of elements that one call is for.

/**
 * @typedef {object} Operation
 * @property {() => any} state
 * @property {(state: any, call: number) => unknown} [change]
 * @property {(state: any, call: number) => unknown} [read]
 * @property {(state: any) => unknown} [text] makes JSON text of the state after a change
 * @property {boolean} [takesSnapshot] true if a snapshot is taken after a change
 * @property {boolean} [isFresh] true if each round begins with a new state
 * @property {number} [each]
 * @property {number} [calls] the most calls of one round
 */

const range = (/** @type {number} */ length) => Array.from({ length }, (_, index) => index);
const person = (/** @type {number} */ id) => ({
  id,
  name: `person ${id}`,
  tags: ['reader', 'writer'],
  address: { city: 'Paris', zip: 75_000 },
});
const settings = () => ({ config: { server: { limits: { requests: 0 } } } });
const people = () => ({ people: range(1_000).map(person) });
const dictOf = (/** @type {number} */ size) => () => ({
  dict: Object.fromEntries(range(size).map((index) => [`key${index}`, index])),
});

/** @type {Record<string, Operation>} */
export const operations = {
  'push a number': { state: () => ({ list: [] }), isFresh: true, change: (state, call) => state.list.push(call) },
  'push an object': {
    state: () => ({ list: [] }),
    isFresh: true,
    change: (state, call) => state.list.push(person(call)),
  },
  'deep set': {
    state: settings,
    change: (state, call) => {
      state.config.server.limits.requests = call;
    },
  },
  'deep get': { state: settings, read: (state) => state.config.server.limits.requests },
  'index get': { state: () => ({ list: range(1_000) }), read: (state, call) => state.list[call % 1_000] },
  'for-of, 10,000 numbers, each': {
    state: () => ({ list: range(10_000) }),
    each: 10_000,
    read: (state) => {
      let sum = 0;
      for (const number of state.list) sum += number;
      return sum;
    },
  },
  'Object.keys, 20 keys': { state: dictOf(20), read: (state) => Object.keys(state.dict).length },
  'JSON.stringify, 1,000 objects, each': {
    state: people,
    each: 1_000,
    read: (state) => JSON.stringify(state.people).length,
  },
  'JSON.stringify after a change, each': {
    state: people,
    each: 1_000,
    change: (state, call) => {
      state.people[call % 1_000].id = call;
    },
    text: (state) => JSON.stringify(state.people),
  },
  'delete in a dict of 100,000': {
    state: dictOf(100_000),
    calls: 1_000,
    change: (state, call) => delete state.dict[`key${call}`],
  },
  'set and snapshot, dict of 100,000': {
    state: dictOf(100_000),
    calls: 20,
    change: (state, call) => {
      state.dict[`key${call}`] = -call;
    },
    takesSnapshot: true,
  },
};
