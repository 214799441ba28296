import { createSubscriber } from 'svelte/reactivity';
import type { MemoryMethods, Snapshot } from '../../memory/memory-methods.js';
import type { Status } from '../../memory/status.js';
import { type Compare, isShallowEqual } from './shallow-equal.js';
import { type Subscribe, subscribeToState, subscribeToStatus } from './shared-subscription.js';
import { createReader, type Selector } from './state-view.js';
import { createStatusReader } from './status-reader.js';

export type { Selector, Snapshot, Status };

/** A value that Svelte's templates, effects and `$derived` follow. */
export interface Current<T> {
  /** The value as of now. */
  readonly current: T;
}

/**
 * Returns an object whose `current` is what `selector` picks from the state of a memory. A template or an effect that
 * reads it runs again when it changes. The selector gets the state as frozen snapshots, and may read `$state` of its own; without one, `current` is
 * the whole state. To change something, change the memory itself.
 *
 * Results are compared by `isEqual`; by default, two arrays or objects with the same elements are equal. An error of the selector is
 * thrown where `current` is read, and reaches the nearest `<svelte:boundary>`.
 */
export function useMemory<S extends object, T = Snapshot<S>>(
  memory: MemoryMethods<S>,
  selector?: Selector<S, T>,
  isEqual: Compare<T> = isShallowEqual,
): Current<T> {
  return createCurrent(memory, subscribeToState, createReader(memory, selector), isEqual);
}

/**
 * Returns an object whose `current` is the status of a memory (`$status`). It changes with every change and acknowledgement, and when
 * the server is lost or found. `$close` raises no event.
 */
export function useStatus(memory: MemoryMethods): Current<Status> {
  return createCurrent(memory, subscribeToStatus, createStatusReader(memory), Object.is);
}

function createCurrent<T>(memory: object, subscribe: Subscribe, read: () => T, isEqual: Compare<T>): Current<T> {
  let last: { readonly value: T } | undefined;
  const readEqual = () => {
    const before = last;
    // Whatever comes after an error is a change.
    last = undefined;
    const value = read();
    last = before !== undefined && isEqual(before.value, value) ? before : { value };
    return last.value;
  };
  const follow = createSubscriber((update) =>
    subscribe(memory, () => {
      if (hasChanged()) update();
    }),
  );
  /** True also where the value cannot be read: the reader gets the error. */
  const hasChanged = () => {
    const before = last;
    try {
      readEqual();
      return last !== before;
    } catch {
      return true;
    }
  };
  return {
    get current() {
      follow();
      return readEqual();
    },
  };
}
