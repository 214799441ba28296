import type { SyncedMemoryError } from '../base/errors.js';
import { printLine } from '../base/runtime.js';
import type { EventListeners } from '../changes/event-listeners.js';
import type { SessionFactory } from '../engine/engine.js';

/** The listeners of the memories on each connection, until the loss of the connection is printed. */
const listenersByConnection = new WeakMap<SessionFactory, Set<EventListeners>>();
/** The connections whose loss was printed. */
const printed = new WeakSet<SessionFactory>();

/**
 * Makes the first loss of a connection print one line on the standard error, unless a memory on it has a listener or `onError`.
 * Returns a function that removes these listeners.
 */
export function printFirstLoss(connection: SessionFactory, listeners: EventListeners): () => void {
  const all = listenersByConnection.get(connection) ?? new Set();
  listenersByConnection.set(connection, all);
  all.add(listeners);
  listeners.onUnheardLoss = (error) => {
    if (printed.has(connection) || [...all].some((each) => each.hearsLosses)) return;
    printed.add(connection);
    printLine(describeLoss(error));
  };
  return () => all.delete(listeners);
}

function describeLoss({ message }: SyncedMemoryError): string {
  return `synced-memory: ${message}; mutations wait for it; listen to $on('disconnect') or pass onError to handle this`;
}
