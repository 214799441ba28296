import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { MemoryMethods, Snapshot } from '../../memory/memory-methods.js';
import type { Status } from '../../memory/status.js';
import { type Compare, isShallowEqual } from './shallow-equal.js';
import { subscribeToState, subscribeToStatus } from './shared-subscription.js';
import { createReader, type Reads, readSnapshot, type Selector } from './state-view.js';
import { createStatusReader } from './status-reader.js';

export type { Selector, Snapshot, Status };

/**
 * A React hook that returns what `selector` picks from the state of a memory, and renders the component again when that changes. The
 * selector gets the state as frozen snapshots; without one, the hook returns the whole state. To change something, change the
 * memory itself.
 *
 * Results are compared by `isEqual`; by default, two arrays or objects with the same elements are equal, so that a selector may make
 * new ones. An error of the selector is thrown in the component: ERR_NOT_LOADED for an unknown attribute, for example.
 */
export function useMemory<S extends object, T = Snapshot<S>>(
  memory: MemoryMethods<S>,
  selector?: Selector<S, T>,
  isEqual: Compare<T> = isShallowEqual,
): T {
  const shown = useRef<{ readonly value: T } | undefined>(undefined);
  const read = useMemo(
    () => createCachedReader(memory, selector, (value) => keepEqual(shown.current, value, isEqual)),
    [memory, selector, isEqual],
  );
  const readServed = useMemo(() => createServedReader(memory, selector) ?? read, [memory, selector, read]);
  const subscribe = useCallback((notify: () => void) => subscribeToState(memory, notify), [memory]);
  const value = useSyncExternalStore(subscribe, read, readServed);
  useEffect(() => {
    shown.current = { value };
  });
  return value;
}

/**
 * A React hook that returns the status of a memory (`$status`), and renders the component again when it changes: with every change
 * and acknowledgement, and when the server is lost or found. `$close` raises no event.
 */
export function useStatus(memory: MemoryMethods): Status {
  const read = useMemo(() => createStatusReader(memory), [memory]);
  const subscribe = useCallback((notify: () => void) => subscribeToStatus(memory, notify), [memory]);
  return useSyncExternalStore(subscribe, read, read);
}

/** The outcome of a promise that a component has waited for. */
type Outcome = { readonly value: unknown } | { readonly error: unknown };

const outcomes = new WeakMap<object, Outcome | undefined>();

/**
 * A React hook that returns the memory of a promise, such as that of `Memory.open`. The component suspends until the memory is open:
 * `<Suspense>` shows its fallback meanwhile. If the promise rejects, the component throws its error. The promise must be the same one in
 * each render, so it is made outside of the component.
 */
export function useOpened<M extends object>(opening: Promise<M>): M {
  const outcome = outcomes.get(opening);
  if (outcome !== undefined && 'value' in outcome) return outcome.value as M;
  if (outcome !== undefined) throw outcome.error;
  // React renders the component again when this promise is fulfilled.
  throw opening.then(
    (value) => outcomes.set(opening, { value }),
    (error) => outcomes.set(opening, { error }),
  );
}

const servedSnapshots = new WeakMap<object, object>();

/**
 * Tells the hooks what state the server has rendered: the memory's `$snapshot()` there. They return it while React hydrates the page,
 * which has to find what the server sent, and the current state from then on. To be called before `hydrateRoot`.
 */
export function setServerSnapshot<S extends object>(memory: MemoryMethods<S>, snapshot: Snapshot<S>): void {
  servedSnapshots.set(memory, snapshot as object);
}

/** A function that runs the selector again only after something that it has read has changed. */
function createCachedReader<S extends object, T>(
  memory: MemoryMethods<S>,
  selector: Selector<S, T> | undefined,
  keep: (value: T) => T,
): () => T {
  const reads: Reads = new Map();
  const read = createReader(memory, selector, reads);
  let last: { readonly value: T } | undefined;
  return () => {
    const isCurrent = ([name, seen]: [string | undefined, unknown]) =>
      readSnapshot(memory as MemoryMethods, name) === seen;
    if (last === undefined || ![...reads].every(isCurrent)) {
      last = undefined;
      reads.clear();
      last = { value: keep(read()) };
    }
    return last.value;
  };
}

function createServedReader<S extends object, T>(
  memory: MemoryMethods<S>,
  selector: Selector<S, T> | undefined,
): (() => T) | undefined {
  const snapshot = servedSnapshots.get(memory) as Snapshot<S> | undefined;
  if (snapshot === undefined) return undefined;
  let served: { readonly value: T } | undefined;
  return () => {
    served ??= { value: selector === undefined ? (snapshot as T) : selector(snapshot) };
    return served.value;
  };
}

/** The value that is shown, if the new one equals it. */
function keepEqual<T>(shown: { readonly value: T } | undefined, value: T, isEqual: Compare<T>): T {
  return shown !== undefined && isEqual(shown.value, value) ? shown.value : value;
}
