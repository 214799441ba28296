// Loro: a document of containers, which are read and changed by their own methods. A container keeps its handle.
import { LoroDoc, LoroList, LoroMap } from 'loro-crdt';
import { operations } from './operations.mjs';

const changes = {
  'push a number': (root, call) => root.get('list').push(call),
  'push an object': (root, call) => {
    const probe = { list: { push: (value) => add(root.get('list'), root.get('list').length, value) } };
    operations['push an object'].change(probe, call);
  },
  'deep set': (root, call) => root.get('config').get('server').get('limits').set('requests', call),
  'deep get': (root) => root.get('config').get('server').get('limits').get('requests'),
  'index get': (root, call) => root.get('list').get(call % 1_000),
  'for-of, 10,000 numbers, each': (root) =>
    root
      .get('list')
      .toArray()
      .reduce((sum, number) => sum + number, 0),
  'Object.keys, 20 keys': (root) => root.get('dict').keys().length,
  'JSON.stringify, 1,000 objects, each': (root) => JSON.stringify(root.get('people').toJSON()),
  'JSON.stringify after a change, each': (root, call) =>
    root
      .get('people')
      .get(call % 1_000)
      .set('id', call),
  'delete in a dict of 100,000': (root, call) => root.get('dict').delete(`key${call}`),
};

export function createLoro(value, operation) {
  const document = new LoroDoc();
  const root = document.getMap('root');
  for (const [key, child] of Object.entries(value)) add(root, key, child);
  document.commit();
  const call = changes[operation];
  return {
    state: root,
    isSupported: call !== undefined,
    change: (_change, number) => {
      call(root, number);
      document.commit();
    },
    read: call,
    text: () => JSON.stringify(root.get('people').toJSON()),
  };
}

/** Sets a key of a map, or inserts an element of a list. */
function add(container, key, value) {
  const isList = container instanceof LoroList;
  if (typeof value !== 'object' || value === null) {
    if (isList) container.insert(key, value);
    else container.set(key, value);
    return;
  }
  const empty = Array.isArray(value) ? new LoroList() : new LoroMap();
  const child = isList ? container.insertContainer(key, empty) : container.setContainer(key, empty);
  for (const [index, each] of Object.entries(value)) add(child, Array.isArray(value) ? Number(index) : index, each);
}
