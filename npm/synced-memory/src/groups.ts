import { Batch } from './batch.js';
import type { Draft } from './draft.js';
import type { Applied } from './edits.js';
import { SyncedMemoryError, syncedError } from './errors.js';
import type { Feed } from './feed.js';
import { quote } from './json.js';
import type { Mirror } from './mirror.js';

type Settle<T> = { resolve: (value: T) => void; reject: (error: unknown) => void };

/** What an `$increment` waits for: the number of its mutation, counted from the start of what it is in. */
interface Counting extends Settle<number | bigint> {
  number: number;
}

/** What a `$batch` has done so far. */
interface Tentative {
  readonly batch: Batch;
  readonly journal: Applied[];
  readonly countings: Counting[];
}

/** Mutations that go to the core as one, and what is waited for by number. */
export class Groups {
  private lastId = 0;
  private tentative: Tentative | undefined;
  private readonly strict = new Map<number, Settle<void>>();
  private countings: Counting[] = [];

  /** `submit` hands so many mutations to the core, behind all that were made before, or throws and leaves it as it was. */
  constructor(
    private readonly mirror: Mirror,
    private readonly feed: Feed,
    private readonly submit: (count: number, text: string) => number,
  ) {}

  /** Where mutations are recorded now; undefined outside of a batch. */
  get batch(): Batch | undefined {
    return this.tentative?.batch;
  }

  note(applied: Applied): void {
    this.tentative?.journal.push(applied);
  }

  /** Runs `fn`: what it mutates is committed together. Where it throws, nothing has been mutated. */
  run<T>(fn: () => T, watch: () => void): T {
    const outer = this.tentative;
    const inner: Tentative = { batch: new Batch(), journal: [], countings: [] };
    const mark = this.feed.mark;
    const enter = (tentative: Tentative | undefined) => {
      this.tentative = tentative;
      this.mirror.isTentative = tentative !== undefined;
      watch();
    };
    enter(inner);
    try {
      const result = fn();
      if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
        throw syncedError('ERR_OPTIONS', '$batch takes a function that is not async; use $transaction');
      }
      enter(outer);
      if (outer === undefined) this.send(inner);
      else this.join(outer, inner);
      return result;
    } catch (error) {
      enter(outer);
      this.feed.forget(mark);
      for (const applied of inner.journal.reverse()) this.mirror.takeBack(applied);
      for (const counting of inner.countings) counting.reject(error);
      throw error;
    }
  }

  private join(outer: Tentative, { batch, journal, countings }: Tentative): void {
    for (const counting of countings) {
      counting.number += outer.batch.count;
      outer.countings.push(counting);
    }
    outer.batch.join(batch);
    outer.journal.push(...journal);
  }

  private send({ batch, countings }: Tentative): void {
    const { count } = batch;
    if (count === 0) return;
    const before = this.submit(count, `["group",${++this.lastId},false,[],${batch.take()}]`);
    for (const counting of countings) {
      counting.number += before;
      this.countings.push(counting);
    }
  }

  /** Commits what a transaction has done, unless anything it relied on is changed before. */
  commit(draft: Draft): Promise<void> {
    const id = ++this.lastId;
    const { count } = draft.batch;
    this.submit(count, `["group",${id},true,[${draft.onlyRead().map(quote).join()}],${draft.batch.take()}]`);
    for (const { name, path, edit } of draft.journal) this.mirror.apply(name, path, edit, true);
    return new Promise((resolve, reject) => this.strict.set(id, { resolve, reject }));
  }

  committed(id: number): void {
    this.take(id)?.resolve();
  }

  aborted(id: number, code: string, message: string): void {
    this.take(id)?.reject(new SyncedMemoryError(code, message));
  }

  private take(id: number): Settle<void> | undefined {
    const settle = this.strict.get(id);
    this.strict.delete(id);
    return settle;
  }

  /** The value that the next mutation, an increment, leads to; `number` is its own outside of a batch. */
  count(number: number): Promise<number | bigint> {
    const promise = new Promise<number | bigint>((resolve, reject) => {
      if (this.tentative === undefined) this.countings.push({ number, resolve, reject });
      else this.tentative.countings.push({ number: this.tentative.batch.count + 1, resolve, reject });
    });
    // Who does not look at it learns of a refusal by an event.
    promise.catch(() => {});
    return promise;
  }

  /** Increment `number` led to this value; without one it was given up, or applied without our learning to what. */
  counted(number: number, value: number | bigint | null, error: SyncedMemoryError | undefined): void {
    const at = this.countings.findIndex((counting) => counting.number === number);
    const counting = this.countings[at];
    if (counting === undefined) return;
    this.countings.splice(at, 1);
    const unknown = 'it was added, but the answer that said to what was lost';
    if (value !== null) counting.resolve(value);
    else counting.reject(error ?? syncedError('ERR_OUTCOME_UNKNOWN', unknown));
  }

  abandon(error: SyncedMemoryError): void {
    for (const { reject } of [...this.strict.values(), ...this.countings]) reject(error);
    this.strict.clear();
    this.countings = [];
  }
}
