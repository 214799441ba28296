import type { MemoryMethods, Snapshot } from '../../memory/memory-methods.js';

/** Picks from a memory's state what a component shows. It must not change anything. */
export type Selector<S extends object, T> = (state: Snapshot<S>) => T;

/** The reads of a selector: the snapshot of each attribute by its name, and that of the whole memory by undefined. */
export type Reads = Map<string | undefined, unknown>;

/** Reads the snapshot of an attribute; without a name, that of the whole memory. */
export function readSnapshot(memory: MemoryMethods, name: string | undefined): unknown {
  return name === undefined ? memory.$snapshot() : memory.$snapshot(name);
}

/**
 * Returns a function that runs a selector on the current state of a memory. Without a selector, it returns the whole state. The
 * selector sees each attribute as a frozen snapshot, which is the same object while nothing in it changes. Only the attributes that
 * it reads are looked at, so that one that is unknown or unreadable does not disturb the others. They are added to `reads`.
 */
export function createReader<S extends object, T>(
  memory: MemoryMethods<S>,
  selector: Selector<S, T> | undefined,
  reads?: Reads,
): () => T {
  const read = (name: string | undefined) => {
    const value = readSnapshot(memory as MemoryMethods, name);
    reads?.set(name, value);
    return value;
  };
  const readKey = (_: object, key: string | symbol) => (typeof key === 'string' ? read(key) : undefined);
  const view = new Proxy(
    {},
    {
      get: readKey,
      has: (target, key) => readKey(target, key) !== undefined,
      ownKeys: () => Reflect.ownKeys(read(undefined) as object),
      getOwnPropertyDescriptor(target, key) {
        const value = readKey(target, key);
        return value === undefined ? value : { value, enumerable: true, configurable: true };
      },
      defineProperty: () => false,
      deleteProperty: () => false,
    },
  );
  return () => {
    const result: unknown = selector === undefined ? view : selector(view as Snapshot<S>);
    // The view itself is the same object whatever changes.
    return (result === view ? read(undefined) : result) as T;
  };
}
