import type { EventMap } from '../../changes/event-map.js';
import type { MemoryMethods } from '../../memory/memory-methods.js';

/** Adds a subscriber to a memory, and returns a function that removes it. */
export type Subscribe = (memory: object, notify: () => void) => () => void;

/** Subscribes to changes of the state. */
export const subscribeToState: Subscribe = createSubscribe(['change']);

/**
 * Subscribes to changes of the status. Not to `error` and `warning`: what has no other listener is printed, and has to stay so.
 */
export const subscribeToStatus: Subscribe = createSubscribe([
  'change',
  'ack',
  'connect',
  'disconnect',
  'conflict',
  'regression',
]);

/**
 * Creates a function that subscribes to these events. All subscribers of a memory share one listener of each event. Each is called
 * once for everything that arrives together, in a task of its own, so that one that throws does not keep the others from it.
 */
function createSubscribe(events: readonly (keyof EventMap)[]): Subscribe {
  const subscriptions = new WeakMap<object, { subscribers: Set<() => void>; end: () => void }>();

  function start(memory: MemoryMethods) {
    const subscribers = new Set<() => void>();
    let isScheduled = false;
    const notifyAll = () => {
      isScheduled = false;
      for (const notify of subscribers) queueMicrotask(() => subscribers.has(notify) && notify());
    };
    const listener = () => {
      if (!isScheduled) queueMicrotask(notifyAll);
      isScheduled = true;
    };
    const removers = events.map((event) => memory.$on(event, listener));
    const end = () => {
      for (const remove of removers) remove();
    };
    return { subscribers, end };
  }

  return (memory, notify) => {
    const subscription = subscriptions.get(memory) ?? start(memory as MemoryMethods);
    subscriptions.set(memory, subscription);
    const { subscribers, end } = subscription;
    subscribers.add(notify);
    return () => {
      subscribers.delete(notify);
      if (subscribers.size > 0) return;
      subscriptions.delete(memory);
      end();
    };
  };
}
