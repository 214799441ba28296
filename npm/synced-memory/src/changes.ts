import type { Change } from './change.js';
import { hold } from './exit.js';

/** How many changes wait for a reader before they are summed up. */
const MOST_WAITING = 1_000;

/**
 * Changes as they come, for one reader with `for await`. Where more wait than are kept, each attribute's are summed up
 * by one `reload`, which has the attribute's value at the time it is read.
 */
export class Changes implements AsyncIterableIterator<Change> {
  #waiting: Change[] = [];
  /** Attributes whose changes are summed up, each with the last of them. */
  readonly #reloads = new Map<string, Change>();
  /** Up to which change the last reload of an attribute has all in it. */
  readonly #included = new Map<string, number>();
  #readers: ((result: IteratorResult<Change>) => void)[] = [];
  #ended = false;
  readonly #current: (name: string) => readonly [value: unknown, last: number];
  readonly #onEnd: () => void;

  /** `current` gives an attribute's value and the number of the last change that is in it. */
  constructor(current: (name: string) => readonly [value: unknown, last: number], onEnd: () => void) {
    this.#current = current;
    this.#onEnd = onEnd;
  }

  push(change: Change, number: number): void {
    if (number <= (this.#included.get(change.name) ?? 0)) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ value: change, done: false });
    } else if (this.#reloads.has(change.name)) {
      this.#reloads.set(change.name, change);
    } else if (this.#waiting.length < MOST_WAITING) {
      this.#waiting.push(change);
    } else {
      for (const one of [...this.#waiting, change]) this.#reloads.set(one.name, one);
      this.#waiting = [];
    }
  }

  next(): Promise<IteratorResult<Change>> {
    const change = this.#take();
    if (change !== undefined) return Promise.resolve({ value: change, done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    // Who waits for what others do has a reason to stay.
    return hold(new Promise((resolve) => this.#readers.push(resolve)));
  }

  #take(): Change | undefined {
    // What is summed up came first.
    for (const [name, last] of this.#reloads) {
      this.#reloads.delete(name);
      const [value, included] = this.#current(name);
      this.#included.set(name, included);
      return Object.freeze({ ...last, path: Object.freeze([name]), kind: 'reload', value, oldValue: undefined });
    }
    return this.#waiting.shift();
  }

  /** No more will come; what waits can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
    this.#onEnd();
  }

  return(): Promise<IteratorResult<Change>> {
    this.#waiting = [];
    this.#reloads.clear();
    this.end();
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
