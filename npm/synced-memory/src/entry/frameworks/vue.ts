import { type ComputedRef, computed, getCurrentInstance, onMounted, onScopeDispose, type Ref, shallowRef } from 'vue';
import type { MemoryMethods, Snapshot } from '../../memory/memory-methods.js';
import type { Status } from '../../memory/status.js';
import { type Compare, isShallowEqual } from './shallow-equal.js';
import { type Subscribe, subscribeToState, subscribeToStatus } from './shared-subscription.js';
import { createReader, type Selector } from './state-view.js';
import { createStatusReader } from './status-reader.js';

export type { Selector, Snapshot, Status };

/**
 * A Vue composable that returns a ref of what `selector` picks from the state of a memory. The ref changes when that changes. The
 * selector gets the state as frozen snapshots, and may read refs of its own; without one, the ref holds the whole state. To change
 * something, change the memory itself.
 *
 * Results are compared by `isEqual`; by default, two arrays or objects with the same elements are equal. An error of the selector is
 * thrown where the ref is read.
 */
export function useMemory<S extends object, T = Snapshot<S>>(
  memory: MemoryMethods<S>,
  selector?: Selector<S, T>,
  isEqual: Compare<T> = isShallowEqual,
): ComputedRef<T> {
  return createRef(memory, subscribeToState, createReader(memory, selector), isEqual);
}

/**
 * A Vue composable that returns a ref of the status of a memory (`$status`). It changes with every change and acknowledgement, and
 * when the server is lost or found. `$close` raises no event.
 */
export function useStatus(memory: MemoryMethods): ComputedRef<Status> {
  return createRef(memory, subscribeToStatus, createStatusReader(memory), Object.is);
}

function createRef<T>(memory: object, subscribe: Subscribe, read: () => T, isEqual: Compare<T>): ComputedRef<T> {
  const version: Ref<number> = shallowRef(0);
  const invalidate = () => {
    version.value++;
  };
  let unsubscribe = () => {};
  const start = () => {
    unsubscribe = subscribe(memory, invalidate);
  };
  onScopeDispose(() => unsubscribe());
  if (getCurrentInstance() === null) {
    start();
  } else {
    // On a server, components are never mounted. Something may have changed since the component was set up.
    onMounted(() => {
      start();
      invalidate();
    });
  }
  let last: { readonly value: T } | undefined;
  return computed(() => {
    void version.value;
    const value = read();
    last = last !== undefined && isEqual(last.value, value) ? last : { value };
    return last.value;
  });
}
