// Yjs: a document of shared types, which are read and changed by their own methods.
import { Doc, Array as YArray, Map as YMap } from 'yjs';
import { operations } from './operations.mjs';

const changes = {
  'push a number': (root, call) => root.get('list').push([call]),
  'push an object': (root, call) => {
    const probe = { list: { push: (value) => root.get('list').push([toShared(value)]) } };
    operations['push an object'].change(probe, call);
  },
  'deep set': (root, call) => root.get('config').get('server').get('limits').set('requests', call),
  'deep get': (root) => root.get('config').get('server').get('limits').get('requests'),
  'index get': (root, call) => root.get('list').get(call % 1_000),
  'for-of, 10,000 numbers, each': (root) => {
    let sum = 0;
    for (const number of root.get('list')) sum += number;
    return sum;
  },
  'Object.keys, 20 keys': (root) => [...root.get('dict').keys()].length,
  'JSON.stringify, 1,000 objects, each': (root) => JSON.stringify(root.get('people')),
  'JSON.stringify after a change, each': (root, call) =>
    root
      .get('people')
      .get(call % 1_000)
      .set('id', call),
  'delete in a dict of 100,000': (root, call) => root.get('dict').delete(`key${call}`),
};

export function createYjs(value, operation) {
  const root = new Doc().getMap('root');
  for (const [key, child] of Object.entries(value)) root.set(key, toShared(child));
  const call = changes[operation];
  return {
    state: root,
    isSupported: call !== undefined,
    change: (_change, number) => call(root, number),
    read: call,
    text: () => JSON.stringify(root.get('people')),
  };
}

function toShared(value) {
  if (Array.isArray(value)) return YArray.from(value.map(toShared));
  if (typeof value !== 'object' || value === null) return value;
  return new YMap(Object.entries(value).map(([key, child]) => [key, toShared(child)]));
}
