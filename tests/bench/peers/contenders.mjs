// The libraries that are compared, each used as its manual says. `create` makes a contender's own form of a plain value.

/**
 * @typedef {object} Contender
 * @property {any} state as `read` gets it
 * @property {(change: (state: any, call: number) => unknown, call: number) => void} change performs one change
 * @property {() => unknown} [snapshot] an immutable value of the current state
 * @property {() => Promise<unknown>} [settle] called after each round, untimed
 */

/** @type {Record<string, (value: any, operation: string) => Promise<Contender>>} */
export const contenders = {
  plain: async (value) => mutable(value),
  'synced-memory': async (value) => synced(value, false),
  'synced-memory, listener': async (value) => synced(value, true),
  valtio: async (value) => {
    const { proxy, snapshot } = await import('valtio/vanilla');
    const state = proxy(value);
    return { ...mutable(state), snapshot: () => snapshot(state) };
  },
  mobx: async (value) => {
    const { observable, runInAction } = await import('mobx');
    const state = observable(value);
    return { state, change: (change, call) => runInAction(() => change(state, call)) };
  },
  'vue reactivity': async (value) => mutable((await import('@vue/reactivity')).reactive(value)),
  'on-change': async (value) => mutable((await import('on-change')).default(value, () => {})),
  immer: async (value) => immutable(value, (await import('immer')).produce),
  mutative: async (value) => immutable(value, (await import('mutative')).create),
  SyncedStore: async (value) => {
    const { syncedStore } = await import('@syncedstore/core');
    const { state } = syncedStore({ state: {} });
    Object.assign(state, value);
    return mutable(state);
  },
  Yjs: async (value, operation) => (await import('./yjs.mjs')).createYjs(value, operation),
  Loro: async (value, operation) => (await import('./loro.mjs')).createLoro(value, operation),
  Automerge: async (value) => {
    const { from, change: changeDocument } = await import('@automerge/automerge');
    const contender = {
      state: from(value),
      change: (change, call) => {
        contender.state = changeDocument(contender.state, (draft) => void change(draft, call));
      },
      snapshot: () => contender.state,
    };
    return contender;
  },
};

/** @returns {Contender} */
function mutable(state) {
  return { state, change: (change, call) => void change(state, call) };
}

/** @returns {Contender} */
function immutable(value, produce) {
  const contender = {
    state: value,
    change: (change, call) => {
      contender.state = produce(contender.state, (draft) => void change(draft, call));
    },
    snapshot: () => contender.state,
  };
  return contender;
}

/** @type {import('synced-memory').Memory | undefined} */
let mem;

async function synced(value, hasListener) {
  if (mem === undefined) {
    const { Memory } = await import('synced-memory');
    mem = await Memory.open('memory:');
    if (hasListener) mem.$on('change', () => {});
  }
  for (const name of Object.keys(mem)) delete mem[name];
  Object.assign(mem, value);
  await mem.$flush();
  return { ...mutable(mem), snapshot: () => mem.$snapshot(), settle: () => mem.$flush() };
}
