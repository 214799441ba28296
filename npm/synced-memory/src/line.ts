import type { Answers } from './answers.js';
import { Batch } from './batch.js';
import type { Binding } from './binding.js';
import { LONGEST_TIMER } from './clock.js';
import type { CoreEvent } from './core-event.js';
import { SyncedMemoryError, syncedError } from './errors.js';
import { hold } from './exit.js';
import type { Intake } from './intake.js';
import { decode } from './json.js';
import type { Mirror } from './mirror.js';
import type { Settings } from './options.js';

/**
 * A memory's line to the core: mutations go out, what the core reports comes in. Mirror and core are equal whenever the batch
 * has been submitted; so the batch always goes first, and only then is anything taken in.
 */
export class Line {
  readonly binding: Binding;
  /** Mutations that the core does not know of yet. */
  readonly batch = new Batch();
  readonly #settings: Settings;
  readonly #mirror: Mirror;
  readonly #intake: Intake;
  readonly handle: number;
  /** Mutations submitted so far. */
  #submitted = 0;
  #scheduled = false;

  constructor(binding: Binding, settings: Settings, mirror: Mirror, intake: Intake, beside?: Line) {
    this.binding = binding;
    this.#settings = settings;
    this.#mirror = mirror;
    this.#intake = intake;
    const { url, base, prefix, names, maxDocumentBytes, ttlMs, tls } = settings;
    const options = { url, base, prefix, names, maxDocumentBytes, ttlMs, tls, beside: beside?.handle };
    const wake = () => {
      if (this.isOpen) this.#drain();
    };
    this.handle = wrapped(() => binding.open(JSON.stringify(options), wake));
  }

  get isOpen(): boolean {
    return this.#intake.state !== 'closed';
  }

  get answers(): Answers {
    return this.#intake.answers;
  }

  /** The number of the last mutation. */
  get last(): number {
    return this.#submitted + this.batch.count;
  }

  /** Mutations that are not acknowledged. */
  get pending(): number {
    return this.last - this.#intake.settled;
  }

  /** About how many bytes they take. */
  get pendingBytes(): number {
    return this.pending > 0 && this.isOpen ? this.ask((core, handle) => core.pendingBytes(handle)) : 0;
  }

  checkOpen(): void {
    if (!this.isOpen) throw syncedError('ERR_CLOSED');
  }

  // Out

  /** Asks the core, which then knows of all mutations. What it throws becomes a SyncedMemoryError. */
  ask<T>(question: (core: Binding, handle: number) => T, name?: string): T {
    this.checkOpen();
    this.submit();
    return wrapped(() => question(this.binding, this.handle), name);
  }

  submit(): void {
    this.#scheduled = false;
    const { count } = this.batch;
    if (count === 0 || !this.isOpen) return;
    this.#submitted += count;
    wrapped(() => this.binding.submit(this.handle, this.batch.take()));
  }

  /**
   * Hands so many mutations to the core as one, behind all that were made before, or throws and leaves it as it was. Gives how
   * many those before were.
   */
  submitGroup(count: number, text: string): number {
    this.ask((core, handle) => core.submit(handle, `[${text}]`));
    const before = this.#submitted;
    this.#submitted += count;
    this.schedule();
    return before;
  }

  /** Submits soon. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.submit();
      this.#intake.deliver();
    });
  }

  // In

  #drain(): void {
    // What a batch has done is not known to the core yet.
    if (this.#mirror.isTentative) return;
    const text = this.ask((core, handle) => core.drain(handle));
    if (text !== '') this.#intake.take(decode(text) as CoreEvent[]);
  }

  // Waiting

  /** Resolves when everything mutated so far is acknowledged; rejects then where the server refused some of it. */
  flush(timeout?: number): Promise<void> {
    this.submit();
    const mark = this.#submitted;
    return this.until(() => this.#intake.settled >= mark, timeout, mark);
  }

  flushSync(timeout = this.#settings.timeout, name?: string): void {
    this.submit();
    const mark = this.#submitted;
    this.untilSync(() => this.#intake.settled >= mark, timeout, mark, name);
  }

  /** Catches up with the server as of now: with these attributes, or with all and new ones. */
  refresh(names?: readonly string[]): Promise<void> {
    return this.until(this.#startRefresh(names));
  }

  refreshSync(names?: readonly string[]): void {
    this.untilSync(this.#startRefresh(names));
  }

  #startRefresh(names: readonly string[] | undefined): () => boolean {
    const ticket = this.ask((core, handle) => core.refresh(handle, names === undefined ? '' : JSON.stringify(names)));
    return () => this.#intake.refreshed >= ticket;
  }

  /** Resolves when `done` says so; rejects then where the server refused a mutation up to `mark`. */
  until(done: () => boolean, timeout?: number, mark = 0): Promise<void> {
    this.checkOpen();
    if (done()) return Promise.resolve();
    return hold(this.#intake.waiters.add(done, mark, timeout, (ms) => this.#timedOut(ms)));
  }

  untilSync(done: () => boolean, timeout = this.#settings.timeout, mark = 0, name?: string): void {
    this.checkOpen();
    const waiter = this.#intake.waiters.addSync(mark);
    const deadline = performance.now() + timeout;
    try {
      for (;;) {
        this.#drain();
        if (done()) break;
        // A listener may have closed the memory.
        this.checkOpen();
        const left = Math.ceil(deadline - performance.now());
        if (left <= 0) throw waiter.refusal ?? this.#timedOut(timeout, name);
        this.binding.wait(this.handle, Math.min(left, LONGEST_TIMER));
      }
      if (waiter.refusal !== undefined) throw waiter.refusal;
    } finally {
      waiter.off();
      this.#intake.deliver();
    }
  }

  #timedOut(ms: number, name?: string): SyncedMemoryError {
    const { code, message } = syncedError('ERR_TIMEOUT', String(ms), name);
    const { lastError } = this.#intake;
    const why = lastError === undefined ? {} : { cause: lastError };
    return new SyncedMemoryError(code, message, { attribute: name, ...why });
  }

  /** Ends the connection. What is not acknowledged is lost. */
  close(): void {
    this.submit();
    this.#intake.state = 'closed';
    this.binding.close(this.handle);
    const error = syncedError('ERR_CLOSED');
    this.#intake.waiters.abandon(error);
    this.answers.abandon(error);
  }
}

function wrapped<T>(call: () => T, name?: string): T {
  try {
    return call();
  } catch (error) {
    throw SyncedMemoryError.from(error, name);
  }
}
