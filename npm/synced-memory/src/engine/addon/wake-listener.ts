import type { Addon } from './addon-types.js';

/** Passes the addon's one wake-up call of a JavaScript thread on to the sessions that it names. */
export class WakeListener {
  /** The number by which the addon knows this listener. */
  readonly listener: number;
  readonly #wakes = new Map<number, () => void>();

  constructor(addon: Addon) {
    this.listener = addon.listen((handles) => {
      for (const handle of handles) this.#wake(handle);
    });
  }

  add(handle: number, wake: () => void): void {
    this.#wakes.set(handle, wake);
  }

  delete(handle: number): void {
    this.#wakes.delete(handle);
  }

  #wake(handle: number): void {
    try {
      this.#wakes.get(handle)?.();
    } catch (error) {
      // The other sessions are woken all the same.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
