import { keepProcessAlive } from '../base/process-exit.js';
import { type Change, freezeChange } from './describe-change.js';

/** Greatest number of changes that wait for a reader. With more, each attribute's are replaced by one `reload`. */
const MAX_WAITING = 1_000;

/** Returns an attribute's current value, and the number of the last change that the value includes. */
type ReadAttribute = (name: string) => readonly [value: unknown, lastChange: number];

/**
 * The changes of a memory for one reader, which takes them with `for await`. If the reader is too far behind, each attribute's
 * changes are replaced by one `reload`, with the attribute's value at the time when it is read.
 */
export class ChangeStream implements AsyncIterableIterator<Change> {
  #waiting: Change[] = [];
  /** Attributes to reload, each with the last change that the reload stands for. */
  readonly #reloads = new Map<string, Change>();
  /** For each reloaded attribute, the number of the last change that the reload included. */
  readonly #included = new Map<string, number>();
  #readers: ((result: IteratorResult<Change>) => void)[] = [];
  #isEnded = false;
  readonly #readAttribute: ReadAttribute;
  readonly #onEnd: (stream: ChangeStream) => void;

  /** `onEnd` is called once, when the reader or the memory ends the stream. */
  constructor(readAttribute: ReadAttribute, onEnd: (stream: ChangeStream) => void) {
    this.#readAttribute = readAttribute;
    this.#onEnd = onEnd;
  }

  /** Adds the change with this number. Numbers increase by one with each change of the memory. */
  push(change: Change, number: number): void {
    if (number <= (this.#included.get(change.name) ?? 0)) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ value: change, done: false });
    } else if (this.#reloads.has(change.name)) {
      this.#reloads.set(change.name, change);
    } else if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push(change);
    } else {
      for (const one of [...this.#waiting, change]) this.#reloads.set(one.name, one);
      this.#waiting = [];
    }
  }

  next(): Promise<IteratorResult<Change>> {
    const change = this.#take();
    if (change !== undefined) return Promise.resolve({ value: change, done: false });
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true });
    return keepProcessAlive(new Promise((resolve) => this.#readers.push(resolve)));
  }

  #take(): Change | undefined {
    // The changes that the reloads stand for are older than the waiting ones.
    for (const [name, last] of this.#reloads) {
      this.#reloads.delete(name);
      const [value, lastChange] = this.#readAttribute(name);
      this.#included.set(name, lastChange);
      return freezeChange({ ...last, path: Object.freeze([name]), kind: 'reload', value, oldValue: undefined });
    }
    return this.#waiting.shift();
  }

  /** Ends the stream. Changes that wait can still be read. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
    this.#onEnd(this);
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
