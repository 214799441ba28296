import type { Clock } from '../base/clock.js';
import { SyncedMemoryError, syncedError } from '../base/errors.js';
import { runInLaterTask } from '../base/later-task.js';
import { keepProcessAlive } from '../base/process-exit.js';
import type { Capabilities, CoreSession, SessionFactory, SessionOptions, SideKeys } from '../engine/engine.js';
import type { CoreEvent, EventReceiver } from './core-event.js';
import { coreFailure, isCoreFailure } from './core-failure.js';
import { CoreState } from './core-state.js';
import { decodeCoreText } from './decode-core-text.js';
import { MutationBatch } from './mutation-batch.js';
import { encodeGroup, type MutationGroup } from './mutation-group.js';
import { PendingRequests } from './pending-requests.js';
import { type PendingWait, PendingWaits, type WaitCondition } from './pending-waits.js';
import type { SessionTelemetry } from './session-telemetry.js';

/** Time after which a task of JavaScript applies no further events, in milliseconds. */
const MAX_RECEIVE_MS = 8;

/**
 * A memory's connection to its session in the core: batches of mutations and requests go out, events come in.
 *
 * The mirror and the core agree whenever the batch has been submitted. So the batch is submitted before every request and
 * before events are taken.
 */
export class CoreConnection {
  /** Mutations that were not submitted yet. */
  readonly batch = new MutationBatch();
  readonly state = new CoreState();
  readonly requests = new PendingRequests();
  readonly waits = new PendingWaits();
  readonly clock: Clock;
  /** Default time that blocking calls wait, in milliseconds. */
  readonly timeout: number;
  readonly #session: CoreSession;
  #receiver: EventReceiver | undefined;
  #onEnd = (): void => {};
  /** Number of mutations submitted so far, with those that the journal had. */
  #submitted: number;
  /** Number of groups submitted so far. */
  #groups = 0;
  readonly telemetry: SessionTelemetry;
  #isSubmitScheduled = false;
  #isReceiveScheduled = false;

  /** Opens a session. Throws ERR_OPTIONS. */
  constructor(
    sessions: SessionFactory,
    options: SessionOptions,
    clock: Clock,
    timeout: number,
    telemetry: SessionTelemetry,
  ) {
    this.telemetry = telemetry;
    this.clock = clock;
    this.timeout = timeout;
    const { base, prefix, names, maxDocumentBytes, ttlMs, label, host, history, journal } = options;
    try {
      const wake = () => this.#runInBackground(() => this.#receive());
      this.#session = sessions.open(
        { base, prefix, names, maxDocumentBytes, ttlMs, label, host, history, journal },
        wake,
      );
      const restored = this.#session.restored();
      this.#submitted = restored.mutations;
      this.state.stale = restored.names;
    } catch (error) {
      throw SyncedMemoryError.from(error);
    }
  }

  /**
   * Begins to pass events to the receiver; the session has none before the current task of JavaScript ends. `onEnd` is called
   * once, when the session has ended: by `close`, or by a failure of the core.
   */
  start(receiver: EventReceiver, onEnd: () => void): void {
    this.#receiver = receiver;
    this.#onEnd = onEnd;
  }

  get isOpen(): boolean {
    return this.state.connection !== 'closed';
  }

  /** Throws ERR_CLOSED after the connection was closed. */
  checkOpen(): void {
    if (!this.isOpen) throw syncedError('ERR_CLOSED');
  }

  /** Number of the last mutation. */
  get lastMutation(): number {
    return this.#submitted + this.batch.count;
  }

  /** Number of mutations that are not settled. */
  get pending(): number {
    return this.lastMutation - this.state.settled;
  }

  /** Approximate size of the unsettled mutations, in bytes. Takes time in proportion to the number of their commits. */
  get pendingBytes(): number {
    return this.pending > 0 && this.isOpen ? this.#call(() => this.#session.pendingBytes()) + this.batch.length : 0;
  }

  /** Whether the journal lacks mutations, because it could not be written yet. */
  get hasUnwrittenJournal(): boolean {
    return this.isOpen && this.#call(() => this.#session.hasUnwrittenJournal());
  }

  /** The abilities of the backend. Throws after the connection was closed. */
  get capabilities(): Capabilities {
    return this.#call(() => this.#session.capabilities());
  }

  /** The side keys of the session. Throws after the connection was closed. */
  get sideKeys(): SideKeys {
    return this.#call(() => this.#session.sideKeys());
  }

  // Outgoing

  /** Submits the batch, so that the core knows every mutation, and then calls the session. */
  request<T>(call: (session: CoreSession) => T, attribute?: string): T {
    this.checkOpen();
    this.submit();
    return this.#call(() => call(this.#session), attribute);
  }

  /** Submits the batch. */
  submit(): void {
    this.#isSubmitScheduled = false;
    const { count } = this.batch;
    if (count === 0 || !this.isOpen) return;
    const text = this.batch.take();
    this.telemetry.commits.submit(text, this.#submitted);
    this.#submitted += count;
    this.#call(() => this.#session.submit(text));
  }

  /** Submits the batch, and calls the listeners of its changes, when the current task of JavaScript has ended. */
  scheduleSubmit(): void {
    if (this.#isSubmitScheduled) return;
    this.#isSubmitScheduled = true;
    queueMicrotask(() => {
      this.#runInBackground(() => this.submit());
      this.#receiver?.notify();
    });
  }

  /**
   * Submits a group, after the batch. Returns its id, and the number of the last mutation before it. Throws if the group cannot be
   * applied as a whole; then the core has not changed.
   */
  submitGroup(group: MutationGroup): { id: number; precedingMutation: number } {
    const id = ++this.#groups;
    const { count } = group.mutations;
    const text = encodeGroup(id, group);
    this.request((session) => session.submit(text));
    const precedingMutation = this.#submitted;
    this.telemetry.commits.submit(text, precedingMutation);
    this.#submitted += count;
    this.scheduleSubmit();
    return { id, precedingMutation };
  }

  // Incoming

  /** Applies the events that have arrived. Those for which a task has no time are left to later tasks of JavaScript. */
  #receive(): void {
    if (this.#isReceiveScheduled || this.#receiveFor(MAX_RECEIVE_MS)) return;
    this.#isReceiveScheduled = true;
    runInLaterTask(() => {
      this.#isReceiveScheduled = false;
      this.#runInBackground(() => this.#receive());
    });
  }

  /** Applies every event that the session has now: those of its journal, if it was just opened. */
  receiveAll(): void {
    this.#receiveFor(Number.POSITIVE_INFINITY);
  }

  /** Applies events for about `ms` milliseconds. Returns true if none is left, or none can be applied now. */
  #receiveFor(ms: number): boolean {
    const began = this.clock.monotonic();
    while (this.isOpen && this.#receiver?.canApply === true) {
      const texts = this.request((session) => session.drain());
      if (texts.length === 0) return true;
      // A listener must not see some of the events that belong together.
      this.#receiver.apply(texts.length === 1 ? decode(texts[0] as string) : texts.flatMap(decode));
      this.waits.endMet();
      if (this.clock.monotonic() - began > ms) return false;
    }
    return true;
  }

  // Waiting

  /** Met when every mutation made so far is settled. */
  flushed(): WaitCondition {
    this.submit();
    const lastMutation = this.#submitted;
    return { isMet: () => this.state.settled >= lastMutation, lastMutation };
  }

  /** Met when these attributes are up to date with the backend as of now. Default: all attributes, and new ones. */
  refreshed(names?: readonly string[]): WaitCondition {
    const ticket = this.request((session) => session.refresh(names));
    const { refreshing } = this.state;
    refreshing.add(ticket);
    return { isMet: () => !refreshing.has(ticket) };
  }

  /** Lets the server forget this writer soon. Met when the server has answered, or will not answer. */
  released(): WaitCondition {
    const isSent = this.request((session) => session.release());
    return { isMet: () => !isSent || this.state.isReleased };
  }

  /**
   * Resolves when the condition is met. Rejects then if a mutation of the condition was rejected, and with ERR_TIMEOUT, or the
   * condition's own error, after `timeout` milliseconds. Default: without a limit.
   */
  waitFor(condition: WaitCondition, timeout = Number.POSITIVE_INFINITY): Promise<void> {
    this.checkOpen();
    if (condition.isMet()) return Promise.resolve();
    const giveUp = (wait: PendingWait) => wait.end(wait.rejection ?? this.#timeoutError(condition, timeout));
    return keepProcessAlive(this.waits.promise(condition, this.clock, timeout, giveUp));
  }

  /** Blocks the thread until the condition is met. Throws where {@link waitFor} rejects. `attribute` is for the error. */
  waitForSync(condition: WaitCondition, timeout = this.timeout, attribute?: string): void {
    this.checkOpen();
    if (this.#receiver?.canApply === false) {
      throw syncedError(
        'ERR_NOT_SUPPORTED',
        'a batch is open, and is committed when it ends; wait after $batch',
        attribute,
      );
    }
    const wait = this.waits.add(condition, () => {});
    const isDone = () => {
      this.#receiveFor(MAX_RECEIVE_MS);
      if (condition.isMet()) return true;
      // A listener may have closed the memory.
      this.checkOpen();
      return false;
    };
    try {
      const isInTime = this.#call(() => this.#session.wait(isDone, timeout), attribute);
      if (wait.rejection !== undefined) throw wait.rejection;
      if (!isInTime) throw this.#timeoutError(condition, timeout, attribute);
    } finally {
      wait.end();
      this.#receiver?.notify();
    }
  }

  #timeoutError(condition: WaitCondition, ms: number, attribute?: string): SyncedMemoryError {
    const ownError = condition.timeoutError?.(ms);
    if (ownError !== undefined) return ownError;
    const { code, message } = syncedError('ERR_TIMEOUT', String(ms), attribute);
    const { lastError } = this.state;
    return new SyncedMemoryError(code, message, { attribute, ...(lastError && { cause: lastError }) });
  }

  // The end

  /** Closes the session. Unacknowledged mutations are lost. */
  close(): void {
    this.submit();
    this.#end(syncedError('ERR_CLOSED'));
  }

  /** Ends the session. Waits and requests reject with the error. */
  #end(error: SyncedMemoryError): void {
    this.state.connection = 'closed';
    this.telemetry.close();
    this.#session.close();
    this.waits.endAll(error);
    this.requests.rejectAll(error);
    this.#onEnd();
  }

  /** Calls the core. What it throws becomes a SyncedMemoryError. A failure of the core closes the connection. */
  #call<T>(call: () => T, attribute?: string): T {
    try {
      return call();
    } catch (error) {
      throw isCoreFailure(error) && this.isOpen ? this.#fail(error) : SyncedMemoryError.from(error, attribute);
    }
  }

  /** Calls the core outside of any call of the user. A failure of the core was reported by an event already. */
  #runInBackground(call: () => void): void {
    try {
      if (this.isOpen) call();
    } catch (error) {
      if (error !== this.state.lastError) throw error;
    }
  }

  /** Closes the connection after a failure of the core. Returns the error that every caller gets. */
  #fail(cause: unknown): SyncedMemoryError {
    const error = coreFailure(cause, this.state.pendingAttributes.names());
    this.#end(error);
    this.state.lastError = error;
    this.#receiver?.report(error);
    queueMicrotask(() => this.#receiver?.notify());
    return error;
  }
}

function decode(text: string): CoreEvent[] {
  return decodeCoreText(text) as CoreEvent[];
}
