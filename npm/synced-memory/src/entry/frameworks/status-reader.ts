import type { MemoryMethods } from '../../memory/memory-methods.js';
import type { Status } from '../../memory/status.js';
import { isShallowEqual } from './shallow-equal.js';

/** Returns a function that reads a memory's status: the same object while nothing in it changes. */
export function createStatusReader(memory: MemoryMethods): () => Status {
  let last: Status | undefined;
  return () => {
    const status = memory.$status;
    const isSame = isShallowEqual(last, status, (one, other) => isShallowEqual(one, other));
    last = isSame && last !== undefined ? last : status;
    return last;
  };
}
