import type { AsyncLocalStorage } from 'node:async_hooks';
import { nodeProcess } from '../base/runtime.js';
import type { Mirror } from '../mirror/mirror.js';
import type { TransactionDraft } from './transaction-draft.js';

type Drafts = readonly TransactionDraft[];

/** The drafts whose functions have called the current code, the innermost last. Undefined until the first transaction. */
let storage: AsyncLocalStorage<Drafts> | undefined;
/** Number of functions that are running. While none is, the runtime need not follow calls, which slows promises down. */
let running = 0;

/**
 * The draft of a memory's transaction whose function has called the current code; undefined if none has. Where the runtime does not
 * follow calls across `await` (edge runtimes, Node before 20.16), it is always undefined.
 */
export function findRunningDraft(original: Mirror): TransactionDraft | undefined {
  const drafts = running > 0 ? (storage?.getStore() ?? []) : [];
  return drafts.filter((draft) => draft.original === original && !draft.isEnded).at(-1);
}

/** Calls the function of a transaction, so that {@link findRunningDraft} finds its draft in all that it calls. */
export function runWithDraft<T>(draft: TransactionDraft, fn: () => T): T {
  storage ??= createStorage();
  running++;
  return storage === undefined ? fn() : storage.run([...(storage.getStore() ?? []), draft], fn);
}

/** The function of a transaction has ended. */
export function endRunning(): void {
  if (--running === 0) storage?.disable();
}

function createStorage(): AsyncLocalStorage<Drafts> | undefined {
  // An import would keep edge runtimes from loading this file.
  const hooks = nodeProcess()?.getBuiltinModule?.('node:async_hooks');
  return hooks && new hooks.AsyncLocalStorage();
}
