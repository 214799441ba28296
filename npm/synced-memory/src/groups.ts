import type { Asker } from './answers.js';
import { Batch } from './batch.js';
import type { Draft } from './draft.js';
import type { Applied } from './edits.js';
import { optionsError } from './errors.js';
import type { Feed } from './feed.js';
import { quote } from './json.js';
import type { Line } from './line.js';
import type { Mirror } from './mirror.js';
import { isThenable } from './transaction.js';

/** What an `$increment` waits for: the number of its mutation, counted from the start of what it is in. */
interface Counting extends Asker<number | bigint> {
  number: number;
}

/** What a `$batch` has done so far. */
interface Tentative {
  readonly batch: Batch;
  readonly journal: Applied[];
  readonly countings: Counting[];
}

/** Mutations that go to the core as one. */
export class Groups {
  #lastId = 0;
  #tentative: Tentative | undefined;
  readonly #mirror: Mirror;
  readonly #feed: Feed;
  readonly #line: Line;

  constructor(mirror: Mirror, feed: Feed, line: Line) {
    this.#mirror = mirror;
    this.#feed = feed;
    this.#line = line;
  }

  /** Where mutations are recorded now; undefined outside of a batch. */
  get batch(): Batch | undefined {
    return this.#tentative?.batch;
  }

  note(applied: Applied): void {
    this.#tentative?.journal.push(applied);
  }

  /** Runs `fn`: what it mutates is committed together. Where it throws, nothing has been mutated. */
  run<T>(fn: () => T, watch: () => void): T {
    const outer = this.#tentative;
    const inner: Tentative = { batch: new Batch(), journal: [], countings: [] };
    const mark = this.#feed.mark;
    const enter = (tentative: Tentative | undefined) => {
      this.#tentative = tentative;
      this.#mirror.isTentative = tentative !== undefined;
      watch();
    };
    enter(inner);
    try {
      const result = fn();
      if (isThenable(result)) {
        throw optionsError('$batch takes a function that is not async; use $transaction');
      }
      enter(outer);
      if (outer === undefined) this.#send(inner);
      else this.#join(outer, inner);
      return result;
    } catch (error) {
      enter(outer);
      this.#feed.forget(mark);
      for (const applied of inner.journal.reverse()) this.#mirror.takeBack(applied);
      for (const counting of inner.countings) counting.reject(error);
      throw error;
    }
  }

  #join(outer: Tentative, { batch, journal, countings }: Tentative): void {
    for (const counting of countings) {
      counting.number += outer.batch.count;
      outer.countings.push(counting);
    }
    outer.batch.join(batch);
    outer.journal.push(...journal);
  }

  #send({ batch, countings }: Tentative): void {
    const { count } = batch;
    if (count === 0) return;
    const before = this.#line.submitGroup(count, `["group",${++this.#lastId},false,[],${batch.take()}]`);
    for (const counting of countings) this.#line.answers.expect('incremented', counting.number + before, counting);
  }

  /** Commits what a transaction has done, unless anything it relied on is changed before. */
  async commit(draft: Draft): Promise<void> {
    const id = ++this.#lastId;
    const { count } = draft.batch;
    const reads = draft.onlyRead().map(quote).join();
    this.#line.submitGroup(count, `["group",${id},true,[${reads}],${draft.batch.take()}]`);
    for (const { name, path, edit } of draft.journal) this.#mirror.apply(name, path, edit, true);
    await this.#line.answers.to('committed', id);
  }

  /** The value that the next mutation, an increment, leads to. */
  count(): Promise<number | bigint> {
    const tentative = this.#tentative;
    const promise =
      tentative === undefined
        ? this.#line.answers.to('incremented', this.#line.last + 1)
        : new Promise<number | bigint>((resolve, reject) => {
            tentative.countings.push({ number: tentative.batch.count + 1, resolve, reject });
          });
    // Who does not look at it learns of a refusal by an event.
    promise.catch(() => {});
    return promise;
  }
}
