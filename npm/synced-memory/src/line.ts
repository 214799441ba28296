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
import type { Goal } from './waiters.js';

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

  /** Everything mutated so far is acknowledged. */
  flushed(): Goal {
    this.submit();
    const mark = this.#submitted;
    return { done: () => this.#intake.settled >= mark, mark };
  }

  /** Here is what the server has now: of these attributes, or of all and new ones. */
  refreshed(names?: readonly string[]): Goal {
    const ticket = this.ask((core, handle) => core.refresh(handle, names === undefined ? '' : JSON.stringify(names)));
    const { refreshing } = this.#intake;
    refreshing.add(ticket);
    return { done: () => !refreshing.has(ticket) };
  }

  /** The attributes are loaded, or the server turned out to be out of reach. */
  ready(): Goal {
    return { done: () => this.#intake.ready };
  }

  /** Resolves when it is done. Rejects then where the server refused a mutation, or after `timeout` milliseconds. */
  until(goal: Goal, timeout = Number.POSITIVE_INFINITY): Promise<void> {
    this.checkOpen();
    if (goal.done()) return Promise.resolve();
    const reached = new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const waiter = this.#intake.waiters.add(goal, (error) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      });
      const giveUp = () => waiter.end(waiter.refusal ?? this.#timedOut(timeout));
      if (timeout <= LONGEST_TIMER) timer = setTimeout(giveUp, timeout);
    });
    return hold(reached);
  }

  /** The same, blocking the thread; `name` is the attribute that it is about. */
  untilSync(goal: Goal, timeout = this.#settings.timeout, name?: string): void {
    this.checkOpen();
    const waiter = this.#intake.waiters.add(goal, () => {});
    const isDone = () => {
      this.#drain();
      if (goal.done()) return true;
      // A listener may have closed the memory.
      this.checkOpen();
      return false;
    };
    try {
      const inTime = this.binding.wait(this.handle, isDone, timeout);
      if (waiter.refusal !== undefined) throw waiter.refusal;
      if (!inTime) throw this.#timedOut(timeout, name);
    } finally {
      waiter.end();
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
