import { runInLaterTask } from './later-task.js';

/** A rejected promise that notes whether somebody waits for it. */
class RefusedPromise extends Promise<never> {
  isAwaited = false;

  /** The class of the promises that `then` makes. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // biome-ignore lint/suspicious/noThenProperty: every way to wait for a promise calls it
  override then<A = never, B = never>(
    onFulfilled?: ((value: never) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isAwaited = true;
    return super.then(onFulfilled, onRejected);
  }
}

/**
 * A promise that rejects with `error`. If nobody waits for it when the current task has ended, `onIgnored` is called instead of an
 * unhandled rejection.
 */
export function refusedPromise(error: unknown, onIgnored: () => void): Promise<never> {
  const promise = new RefusedPromise((_, reject) => reject(error));
  Promise.prototype.then.call(promise, undefined, () => {});
  runInLaterTask(() => {
    if (!promise.isAwaited) onIgnored();
  });
  return promise;
}
