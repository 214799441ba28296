import { optionsError, SyncedMemoryError, syncedError } from '../base/errors.js';
import type { Path } from '../base/path.js';
import { type FlushTarget, flushBeforeExit, keepProcessAlive, stopFlushingBeforeExit } from '../base/process-exit.js';
import { emitWarningOnce } from '../base/runtime.js';
import { isObserved, telemetryChannels, telemetrySource } from '../base/telemetry.js';
import type { OpenTrace } from '../base/traces.js';
import { ChangeDispatcher } from '../changes/change-dispatcher.js';
import type { ChangeStream } from '../changes/change-stream.js';
import { EventListeners } from '../changes/event-listeners.js';
import type { CoreSession, SessionFactory } from '../engine/engine.js';
import { AssignedContainers } from '../mirror/assigned-containers.js';
import { KnownAttributes } from '../mirror/known-attributes.js';
import { Mirror } from '../mirror/mirror.js';
import { BatchRunner } from '../sync/batch-runner.js';
import { CoreConnection } from '../sync/core-connection.js';
import { toBigInt } from '../sync/core-state.js';
import { EventApplier } from '../sync/event-applier.js';
import { MutationRecorder } from '../sync/mutation-recorder.js';
import { waitForReplicas } from '../sync/replica-wait.js';
import { SessionTelemetry } from '../sync/session-telemetry.js';
import { SizeLimits } from '../sync/size-limits.js';
import { runTransaction } from '../sync/transaction.js';
import type { TransactionDraft } from '../sync/transaction-draft.js';
import { checkAttributeName } from './attribute-name.js';
import { printFirstLoss } from './first-connection-loss.js';
import { type ListedWriter, listWriters } from './listed-writer.js';
import { Readiness } from './readiness.js';
import type { ResolvedOptions } from './resolve-options.js';
import { restoreInside } from './restore-value.js';
import { createValidator } from './schema.js';
import { backendOf, readStatus, type Status } from './status.js';

/** Longest wait for the server's answer to the release of a writer, in milliseconds. */
const MAX_RELEASE_MS = 1000;

/** The parts of one memory, and its life from opening to closing. */
export class MemoryInternals implements FlushTarget {
  readonly sessions: SessionFactory;
  readonly options: ResolvedOptions;
  readonly mirror: Mirror;
  readonly known: KnownAttributes;
  readonly readiness: Readiness;
  readonly listeners: EventListeners;
  readonly connection: CoreConnection;
  readonly #recorder: MutationRecorder;
  readonly #dispatcher: ChangeDispatcher;
  readonly #batches: BatchRunner;
  /** False in blocking mode, in which reading an attribute fetches it first. */
  readonly canCacheRoots: boolean;
  readonly #isBlocking: boolean;
  /** Stops printing a loss of the connection. */
  #forgetLoss = (): void => {};
  /** The loads of unknown attributes that are going to be incremented. */
  readonly #loadsBeforeIncrements = new Set<object>();

  /** Opens a session. `attributes` is the object that is going to hold the attributes. Throws ERR_OPTIONS. */
  constructor(sessions: SessionFactory, options: ResolvedOptions, isBlocking: boolean, attributes: object) {
    this.sessions = sessions;
    this.options = options;
    this.#isBlocking = isBlocking;
    this.canCacheRoots = !isBlocking;
    const validator = createValidator(options.schema);
    const limits = new SizeLimits(options);
    this.connection = new CoreConnection(sessions, options, options.clock, options.timeout, this.#telemetry());
    this.#recorder = new MutationRecorder(this.connection, limits, isBlocking);
    this.known = new KnownAttributes(options.names, Object.keys(options.defaults ?? {}));
    this.mirror = new Mirror(this.#recorder, attributes, validator, options.pythonMethods, this.known);
    this.readiness = new Readiness(this.connection, this.known);
    this.listeners = new EventListeners(options.onError);
    this.mirror.assigned = new AssignedContainers((warning) => this.#warn(warning));
    this.#dispatcher = new ChangeDispatcher(this.mirror, this.listeners);
    this.#batches = new BatchRunner(this.mirror, this.#dispatcher, this.connection, this.#recorder);
    const applier = new EventApplier(this.connection, this.mirror, this.#dispatcher, this.listeners, limits);
    this.connection.start(applier, () => {
      stopFlushingBeforeExit(this);
      this.#forgetLoss();
      this.#dispatcher.end();
      this.listeners.end();
    });
    flushBeforeExit(this);
  }

  #telemetry(): SessionTelemetry {
    return new SessionTelemetry(telemetryChannels(), telemetrySource(this.options.url, this.options.prefix));
  }

  // Opening and closing

  /**
   * Resolves when the attributes are loaded, or at once with the option `offline`; the defaults are created then. Rejects with
   * ERR_UNREACHABLE or ERR_BUSY after `openTimeout`, and at once with an error that only a person can correct.
   */
  async open(): Promise<void> {
    const channel = telemetryChannels()?.open;
    if (channel === undefined || !isObserved(channel)) return this.#open();
    const context: OpenTrace = telemetrySource(this.options.url, this.options.prefix);
    return channel.tracePromise(async () => {
      context.outcome = 'failed';
      await this.#open();
      context.outcome = 'opened';
      context.attributes = Object.keys(this.mirror.attributes).length;
    }, context);
  }

  async #open(): Promise<void> {
    try {
      if (this.options.offline) this.connection.receiveAll();
      else await this.readiness.wait(this.options.openTimeout);
      this.#finishOpening();
    } catch (error) {
      this.closeNow();
      throw error;
    }
  }

  /** Blocks until {@link open} would resolve. Throws where it would reject. */
  openSync(): void {
    try {
      if (this.options.offline) this.connection.receiveAll();
      else this.readiness.waitSync(this.options.openTimeout);
      this.#finishOpening();
    } catch (error) {
      this.closeNow();
      throw error;
    }
  }

  #finishOpening(): void {
    this.#forgetLoss = printFirstLoss(this.sessions, this.listeners);
    for (const [name, value] of Object.entries(this.options.defaults ?? {})) {
      this.mirror.create(checkAttributeName(name), value);
    }
  }

  /**
   * Flushes, releases the writer and closes, in at most `exitTimeout`. Rejects if something was not acknowledged. A release that is
   * not answered only leaves side keys for longer.
   */
  async close(): Promise<void> {
    const { connection } = this;
    if (!connection.isOpen) return;
    const began = connection.clock.monotonic();
    try {
      await this.flush(this.exitTimeout);
      const timeout = this.#releaseTimeout(began, this.exitTimeout);
      if (connection.isOpen) await connection.waitFor(connection.released(), timeout).catch(() => {});
    } finally {
      this.closeNow();
    }
  }

  /** Does what {@link close} does, in at most `timeout`. Blocks the thread. */
  closeSync(): void {
    const { connection } = this;
    if (!connection.isOpen) return;
    const began = connection.clock.monotonic();
    try {
      this.flushSync();
      const timeout = this.#releaseTimeout(began, connection.timeout);
      if (connection.isOpen) ignoreError(() => connection.waitForSync(connection.released(), timeout));
    } finally {
      this.closeNow();
    }
  }

  #releaseTimeout(began: number, limit: number): number {
    const left = limit - (this.connection.clock.monotonic() - began);
    return Math.min(Math.max(left, 0), MAX_RELEASE_MS);
  }

  /** Closes without a flush. Unacknowledged mutations are lost. */
  closeNow(): void {
    if (this.connection.isOpen) this.connection.close();
  }

  /** Reports the error of a call whose promise nobody waits for. */
  reportIgnored(error: unknown): void {
    this.listeners.emit('error', SyncedMemoryError.from(error));
  }

  /** Emits a warning about the program's own code. Where nobody listens, it is printed. */
  #warn(warning: SyncedMemoryError): void {
    if (!this.listeners.isHeard('warning')) emitWarningOnce(warning);
    this.listeners.emit('warning', warning);
  }

  // Reading

  get pending(): number {
    return this.connection.pending;
  }

  get pendingNames(): readonly string[] {
    return this.connection.state.pendingAttributes.names();
  }

  get journal(): 'none' | 'written' | 'unwritten' {
    if (this.options.journal === undefined) return 'none';
    return this.connection.hasUnwrittenJournal ? 'unwritten' : 'written';
  }

  get exitTimeout(): number {
    return this.options.exitTimeout;
  }

  status(): Status {
    return readStatus(this.connection, this.known, this.mirror, this.options.url);
  }

  lastModified(name: string): bigint | undefined {
    this.mirror.checkKnown(name);
    return toBigInt(this.connection.state.revisions.get(name));
  }

  /** Called before an attribute is read; without a name, before all are. Throws ERR_NOT_LOADED for an unknown one. */
  beforeRead(name?: string): void {
    this.refreshIfBlocking(name);
    this.mirror.checkKnown(name);
  }

  /**
   * Throws ERR_OPTIONS for a path that is written as text, such as `stats.hits`: the name of an absent attribute, of which the part
   * before the dot names a list or dict.
   */
  checkNoDottedPath(name: unknown): void {
    if (typeof name !== 'string') return;
    const { attributes } = this.mirror;
    const [first = '', ...rest] = name.split('.');
    if (rest.length === 0 || Object.hasOwn(attributes, name) || !Object.hasOwn(attributes, first)) return;
    if (typeof Object.getOwnPropertyDescriptor(attributes, first)?.value !== 'object') return;
    const path = JSON.stringify([first, ...rest])
      .replaceAll('"', "'")
      .replaceAll(',', ', ');
    throw optionsError(`'${name}' names one attribute; for a path pass ${path}`);
  }

  /** Called before an attribute is deleted. */
  beforeDelete(name: string): void {
    this.refreshIfBlocking(name);
  }

  /** In blocking mode, refreshes an attribute; without a name, all attributes. */
  refreshIfBlocking(name?: string): void {
    // A batch reads what was there when it began.
    if (!this.#isBlocking || !this.connection.isOpen || this.#recorder.openBatch !== undefined) return;
    this.connection.waitForSync(this.connection.refreshed(name === undefined ? undefined : [name]));
    if (name !== undefined) this.known.learn(name);
  }

  changes(name?: string): ChangeStream {
    this.connection.checkOpen();
    return this.#dispatcher.openStream(name);
  }

  /** Throws if this memory cannot have scopes. */
  checkScopable(): void {
    this.connection.checkOpen();
    if (!this.#isBlocking) return;
    throw syncedError('ERR_NOT_SUPPORTED', 'a memory in blocking mode has no $scope; use PrefixedMemory.openSync');
  }

  // Mutating

  runBatch<T>(fn: () => T): T {
    const result = this.#batches.run(fn);
    if (this.#isBlocking && this.#recorder.openBatch === undefined) this.flushSync();
    return result;
  }

  runTransaction<T>(fn: (draft: TransactionDraft) => T | PromiseLike<T>, attempts: number): Promise<T> {
    const { mirror, connection, options } = this;
    const load = async (missing: ReadonlySet<string | undefined>) => {
      await (missing.has(undefined) ? this.readiness.wait() : this.load([...missing] as string[]));
    };
    const host = { mirror, connection, recorder: this.#recorder, names: options.names, load };
    return runTransaction(host, fn, attempts);
  }

  /** Increments a number. An unknown attribute is loaded first. Throws if the increment is refused before that. */
  increment(name: string, path: Path, by: number | bigint): Promise<number | bigint> {
    const make = () => {
      const result = this.mirror.increment(name, path, by, () => this.#recorder.expectResult());
      return keepProcessAlive(result.then(([sum]) => sum as number | bigint));
    };
    if (!this.mirror.isUnknown(name)) return make();
    this.connection.checkOpen();
    // The mutations of a batch cannot wait.
    if (this.#recorder.openBatch !== undefined) this.mirror.checkKnown(name);
    return this.#loadAndIncrement(name, make);
  }

  async #loadAndIncrement<T>(name: string, make: () => Promise<T>): Promise<T> {
    const load = {};
    this.#loadsBeforeIncrements.add(load);
    try {
      await this.load([name]);
      return make();
    } catch (error) {
      this.reportIgnored(error);
      throw error;
    } finally {
      // A flush goes on: by now the increment is pending.
      this.#loadsBeforeIncrements.delete(load);
      this.connection.waits.endMet();
    }
  }

  /**
   * Removes the first or last element of a list, whichever that is when the server applies it, and returns it. Returns undefined once
   * the list was empty or absent on the server since the call.
   */
  async take(name: string, path: Path, kind: 'shift' | 'pop'): Promise<unknown> {
    for (;;) {
      if (this.#recorder.openBatch !== undefined) {
        const remedy = `its result is known when the batch is committed; call $${kind} outside of it, or use $transaction`;
        throw syncedError('ERR_NOT_SUPPORTED', `$${kind} cannot be part of a $batch: ${remedy}`, name);
      }
      if (this.mirror.isUnknown(name)) {
        this.connection.checkOpen();
        await this.load([name]);
      }
      const taken = this.mirror.take(name, path, kind, () => this.#recorder.expectResult());
      const elements = taken && (await keepProcessAlive(taken));
      if (elements?.length) return elements[0];
      // The server may have elements that have not arrived here.
      await this.refresh([name]);
      if (this.mirror.isEmptyList(name, path)) return undefined;
    }
  }

  // The server

  async flush(timeout?: number): Promise<void> {
    const loads = [...this.#loadsBeforeIncrements];
    if (loads.length === 0) return this.connection.waitFor(this.connection.flushed(), timeout);
    const began = this.connection.clock.monotonic();
    const isMet = () => !loads.some((load) => this.#loadsBeforeIncrements.has(load));
    await this.connection.waitFor({ isMet }, timeout);
    const left = timeout === undefined ? undefined : timeout - (this.connection.clock.monotonic() - began);
    return this.connection.waitFor(this.connection.flushed(), left);
  }

  flushSync(timeout?: number): void {
    this.connection.waitForSync(this.connection.flushed(), timeout);
  }

  /** Flushes, and waits until `replicas` replicas have everything. */
  async flushToReplicas(replicas: number, timeout = this.options.timeout): Promise<void> {
    if (backendOf(this.options.url) !== 'redis') {
      throw optionsError('replicas: a file or a process has no replicas; leave the option out');
    }
    const deadline = this.connection.clock.monotonic() + timeout;
    await this.flush(timeout);
    await keepProcessAlive(waitForReplicas(this.connection, replicas, deadline));
  }

  /** Loads attributes, or brings them up to date. */
  async load(names: readonly string[]): Promise<void> {
    this.known.request(names);
    await this.refresh(names);
    for (const name of names) this.known.learn(name);
  }

  /** Resolves when these attributes, or else all attributes and new ones, are up to date with the server as of now. */
  refresh(names?: readonly string[]): Promise<void> {
    return this.connection.waitFor(this.connection.refreshed(names));
  }

  /** Lists the processes that have the memory open and have a label. */
  async writers(): Promise<ListedWriter[]> {
    const { connection } = this;
    const request = connection.request((session) => session.writers());
    const writers = await keepProcessAlive(connection.requests.result('writers', request));
    return listWriters(writers ?? [], connection.clock.unix());
  }

  /**
   * Reads or sets an attribute's lifetime, after every earlier mutation of it was acknowledged. Resolves with the milliseconds
   * left; true if the attribute does not expire, false if it is absent.
   */
  async lifetime(request: (session: CoreSession) => number): Promise<number | boolean> {
    const { connection } = this;
    return keepProcessAlive(connection.requests.result('lifetime', connection.request(request)));
  }

  /** Reads the history of an attribute, after every earlier mutation of it was acknowledged. */
  async history(request: (session: CoreSession) => number): Promise<readonly unknown[]> {
    const { connection } = this;
    return keepProcessAlive(connection.requests.result('history', connection.request(request)));
  }

  /** Gives an attribute an earlier value, or deletes it for undefined, by an ordinary commit. */
  async restore(name: string, value: unknown): Promise<void> {
    if (this.mirror.isUnknown(name)) await this.load([name]);
    this.runBatch(() => {
      if (value === undefined) this.mirror.delete(name);
      else if (!restoreInside(this.mirror.get(name), value)) this.mirror.assign(name, value);
    });
    await this.flush();
  }
}

function ignoreError(call: () => void): void {
  try {
    call();
  } catch {
    // The caller does not need the result.
  }
}
