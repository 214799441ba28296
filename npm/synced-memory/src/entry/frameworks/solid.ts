import { type Accessor, createMemo, createSignal, onCleanup, onMount } from 'solid-js';
import type { MemoryMethods, Snapshot } from '../../memory/memory-methods.js';
import type { Status } from '../../memory/status.js';
import { type Compare, isShallowEqual } from './shallow-equal.js';
import { type Subscribe, subscribeToState, subscribeToStatus } from './shared-subscription.js';
import { createReader, type Selector } from './state-view.js';
import { createStatusReader } from './status-reader.js';

export type { Selector, Snapshot, Status };

/**
 * Returns a Solid memo of what `selector` picks from the state of a memory. It changes when that changes. The selector gets the state
 * as frozen snapshots, and may read signals of its own; without one, the memo holds the whole state. To change something, change the
 * memory itself.
 *
 * Results are compared by `isEqual`; by default, two arrays or objects with the same elements are equal. An error of the selector
 * reaches the nearest `<ErrorBoundary>`.
 */
export function useMemory<S extends object, T = Snapshot<S>>(
  memory: MemoryMethods<S>,
  selector?: Selector<S, T>,
  isEqual: Compare<T> = isShallowEqual,
): Accessor<T> {
  return createAccessor(memory, subscribeToState, createReader(memory, selector), isEqual);
}

/**
 * Returns a Solid memo of the status of a memory (`$status`). It changes with every change and acknowledgement, and when the server
 * is lost or found. `$close` raises no event.
 */
export function useStatus(memory: MemoryMethods): Accessor<Status> {
  return createAccessor(memory, subscribeToStatus, createStatusReader(memory), Object.is);
}

function createAccessor<T>(memory: object, subscribe: Subscribe, read: () => T, isEqual: Compare<T>): Accessor<T> {
  const [track, invalidate] = createSignal(undefined, { equals: false });
  const value = createMemo(
    () => {
      track();
      return read();
    },
    undefined,
    { equals: isEqual },
  );
  // On a server, nothing is mounted. Something may have changed since the memo was made.
  onMount(() => {
    onCleanup(subscribe(memory, () => invalidate()));
    invalidate();
  });
  return value;
}
