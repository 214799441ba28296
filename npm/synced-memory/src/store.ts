import { Batch } from './batch.js';
import type { Binding } from './binding.js';
import type { Changes } from './changes.js';
import { LONGEST_TIMER } from './clock.js';
import type { CoreEvent } from './core-event.js';
import type { Draft } from './draft.js';
import { type Path, SyncedMemoryError, syncedError } from './errors.js';
import { type EventMap, Events } from './events.js';
import { hold, unwatch, watch } from './exit.js';
import { Feed } from './feed.js';
import { Groups } from './groups.js';
import { decode, quote } from './json.js';
import { type Lifetime, Lifetimes } from './lifetimes.js';
import { Limits } from './limits.js';
import { Mirror } from './mirror.js';
import type { Settings } from './options.js';
import type { Recorder } from './recorder.js';
import { Replication } from './replication.js';
import { checkBy } from './schema.js';
import { Waiters } from './waiters.js';

/** Waiting does not help against these. */
const loginErrors: ReadonlySet<string> = new Set(['ERR_AUTH', 'ERR_TLS']);

/** What was found by trying, never by a server's name or version. */
export interface Capabilities {
  topology: 'single' | 'cluster' | 'sentinel' | 'file' | 'memory' | 'transport';
  /** The version of the protocol that is spoken; null without a connection, or where there is none. */
  resp: 2 | 3 | null;
  /** Are commits of others heard as they are made, without reading the document? */
  deltas: boolean;
  /**
   * How changes come here that nobody publishes: the server tells of all (`broadcast`), or of what was read (`tracking`),
   * or they are looked for every second (`probing`), or only by `$sync()` (`none`).
   */
  changes: 'broadcast' | 'tracking' | 'probing' | 'none';
}

/** How a memory is doing. */
export interface Status {
  state: 'connecting' | 'connected' | 'disconnected' | 'closed';
  backend: 'redis' | 'file' | 'memory';
  /** What the backend can do; undefined once the memory is closed. */
  capabilities?: Capabilities;
  /** Mutations that are not acknowledged. */
  pending: number;
  /** About how many bytes they take. */
  pendingBytes: number;
  /** Why it is not connected, or what the server last answered that will pass. */
  lastError?: SyncedMemoryError;
}

/**
 * Carries local mutations to the core and what the core reports to the mirror. Mirror and core are equal whenever the
 * batch has been submitted; so the batch always goes first, and only then is anything taken in.
 */
export class Store implements Recorder {
  readonly mirror: Mirror;
  readonly events: Events;
  private readonly handle: number;
  private readonly batch = new Batch();
  private scheduled = false;
  /** Mutations submitted so far, and up to which of them all are settled. */
  private submitted = 0;
  private settled = 0;
  private readonly waiters = new Waiters();
  private readonly replication = new Replication();
  private readonly lifetimes = new Lifetimes();
  private refreshed = 0;
  private ready = false;
  /** Decimal digits: only who asks for one pays for a BigInt. */
  private readonly revisions = new Map<string, string>();
  private readonly limits: Limits;
  private readonly feed: Feed;
  private readonly groups: Groups;
  /** Attributes with a schema that others have changed. */
  private readonly unchecked = new Set<string>();
  private state: Status['state'] = 'connecting';
  private lastError: SyncedMemoryError | undefined;
  /** What to tell listeners once everything that arrived is applied. */
  private readonly emissions: (() => void)[] = [];

  constructor(
    private readonly binding: Binding,
    private readonly settings: Settings,
    private readonly blocking: boolean,
    attributes: object,
    beside?: Store,
  ) {
    this.mirror = new Mirror(this, attributes);
    this.events = new Events(settings.onError, () => this.watchChanges());
    this.mirror.check = checkBy(settings.schema);
    this.feed = new Feed(this.mirror, this.events);
    this.groups = new Groups(this.mirror, this.feed, (count, text) => this.submitGroup(count, text));
    this.limits = new Limits(settings, {
      check: (name, mutation) => {
        // The core does not know of what a batch has done so far, and decides when it gets it.
        if (this.groups.batch !== undefined) return;
        this.submit();
        wrapped(() => this.binding.check(this.handle, mutation), name);
      },
      pendingBytes: () => this.pendingBytes(),
    });
    const { url, base, prefix, names, maxDocumentBytes, ttlMs, tls } = settings;
    this.handle = wrapped(() =>
      binding.open(
        JSON.stringify({ url, base, prefix, names, maxDocumentBytes, ttlMs, tls, beside: beside?.handle }),
        () => {
          if (this.state !== 'closed') this.drain();
        },
      ),
    );
    watch(this);
  }

  get exitTimeout(): number {
    return this.settings.exitTimeout;
  }

  get pending(): number {
    return this.submitted + this.batch.count - this.settled;
  }

  status(): Status {
    const scheme = this.settings.url.slice(0, this.settings.url.indexOf(':')).toLowerCase();
    const backend = scheme === 'file' || scheme === 'memory' ? scheme : 'redis';
    const { state, pending } = this;
    const status: Status = { state, backend, pending, pendingBytes: this.pendingBytes() };
    if (state !== 'closed') status.capabilities = JSON.parse(this.binding.capabilities(this.handle));
    if (this.lastError !== undefined) status.lastError = this.lastError;
    return status;
  }

  lastModified(name: string): bigint | undefined {
    const revision = this.revisions.get(name);
    return revision === undefined ? undefined : BigInt(revision);
  }

  /** What a scope of this memory is opened with. Throws where it cannot have one. */
  parent(): { binding: Binding; settings: Settings } {
    this.checkOpen();
    if (this.blocking) {
      throw syncedError('ERR_NOT_SUPPORTED', 'a memory that blocks has no $scope; use PrefixedMemory.openSync');
    }
    return { binding: this.binding, settings: this.settings };
  }

  // Recorder

  admit(name: string, units: number, text: () => string): void {
    this.checkOpen();
    this.limits.admit(name, units, text);
  }

  /** About how many bytes the mutations take that are not acknowledged. */
  private pendingBytes(): number {
    if (this.pending === 0 || this.state === 'closed') return 0;
    this.submit();
    return this.binding.pendingBytes(this.handle);
  }

  record(name: string, text: string): void {
    (this.groups.batch ?? this.batch).add(text);
    this.recorded(name, text.length);
  }

  recordAppend(name: string, list: object, path: () => string, values: string): void {
    (this.groups.batch ?? this.batch).append(list, () => `["append",${quote(name)},${path()},`, values);
    this.recorded(name, values.length);
  }

  private recorded(name: string, units: number): void {
    this.limits.recorded(name, units);
    if (this.groups.batch !== undefined) return;
    if (this.blocking) this.flushSync(undefined, name);
    else this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.submit();
      this.emitAll();
    });
  }

  // Groups

  /** Runs `fn`: what it mutates is committed together. Where it throws, nothing has been mutated. */
  runBatch<T>(fn: () => T): T {
    this.checkOpen();
    const result = this.groups.run(fn, () => this.watchChanges());
    if (this.blocking && this.groups.batch === undefined) this.flushSync();
    return result;
  }

  /** Commits what a transaction has done, unless anything it relied on is changed before: then rejects with ERR_CONFLICT. */
  commit(draft: Draft): Promise<void> {
    this.checkOpen();
    return hold(this.groups.commit(draft));
  }

  /** Adds to a number; what the server then had. */
  increment(name: string, path: Path, by: number | bigint): Promise<number | bigint> {
    const counted = this.mirror.increment(name, path, by, () =>
      this.groups.count(this.submitted + this.batch.count + 1),
    );
    return hold(counted);
  }

  /** Hands a group to the core, behind all that was made before. Gives how many mutations those were. */
  private submitGroup(count: number, text: string): number {
    this.submit();
    wrapped(() => this.binding.submit(this.handle, `[${text}]`));
    const before = this.submitted;
    this.submitted += count;
    this.schedule();
    return before;
  }

  // Changes

  changes(name?: string): Changes {
    this.checkOpen();
    const changes = this.feed.read(name, () => this.watchChanges());
    this.watchChanges();
    return changes;
  }

  /** Keeps track of what changes only where somebody wants to know. */
  private watchChanges(): void {
    const isWanted = this.feed.isWanted || this.groups.batch !== undefined;
    this.mirror.observer = isWanted
      ? (applied, isLocal) => {
          this.groups.note(applied);
          this.feed.note(applied, isLocal);
        }
      : undefined;
  }

  // Waiting

  /** Resolves when everything mutated so far is acknowledged; rejects then where the server refused some of it. */
  flush(timeout?: number): Promise<void> {
    this.submit();
    const mark = this.submitted;
    return this.until(() => this.settled >= mark, timeout, mark);
  }

  /** The same, and then until so many replicas have it. */
  async flushTo(replicas: number, timeout = this.settings.timeout): Promise<void> {
    if (this.status().backend !== 'redis') {
      throw syncedError('ERR_OPTIONS', 'replicas: only a server has replicas; leave it out');
    }
    const deadline = performance.now() + timeout;
    await this.flush(timeout);
    await this.replication.reach(replicas, deadline, (waitMs) => {
      this.checkOpen();
      return wrapped(() => this.binding.replicate(this.handle, replicas, waitMs));
    });
  }

  /** How long an attribute stays, once what was mutated before is acknowledged: `ask` asks or sets it. */
  async lifetime(ask: (binding: Binding, handle: number) => number): Promise<Lifetime> {
    this.checkOpen();
    this.submit();
    return hold(this.lifetimes.answer(wrapped(() => ask(this.binding, this.handle))));
  }

  flushSync(timeout = this.settings.timeout, name?: string): void {
    this.submit();
    const mark = this.submitted;
    this.untilSync(() => this.settled >= mark, timeout, mark, name);
  }

  /** Catches up with the server as of now: with these attributes, or with all and new ones. */
  refresh(names?: readonly string[]): Promise<void> {
    const ticket = this.startRefresh(names);
    return this.until(() => this.refreshed >= ticket);
  }

  refreshSync(names?: readonly string[]): void {
    const ticket = this.startRefresh(names);
    this.untilSync(() => this.refreshed >= ticket, this.settings.timeout);
  }

  private startRefresh(names: readonly string[] | undefined): number {
    this.submit();
    return wrapped(() => this.binding.refresh(this.handle, names === undefined ? '' : JSON.stringify(names)));
  }

  /** Resolves when the attributes are loaded, or the server turned out to be out of reach. Rejects where it refuses the login. */
  async opened(): Promise<void> {
    await this.until(() => this.ready);
    this.checkLogin();
  }

  openedSync(): void {
    try {
      this.untilSync(() => this.ready, this.settings.timeout);
    } catch (error) {
      this.close();
      throw error;
    }
    this.checkLogin();
  }

  private checkLogin(): void {
    if (this.state !== 'disconnected' || !loginErrors.has(String(this.lastError?.code))) return;
    this.close();
    throw this.lastError;
  }

  private until(done: () => boolean, timeout?: number, mark = 0): Promise<void> {
    this.checkOpen();
    return done() ? Promise.resolve() : hold(this.waiters.add(done, mark, timeout, (ms) => this.timedOut(ms)));
  }

  private untilSync(done: () => boolean, timeout: number, mark = 0, name?: string): void {
    this.checkOpen();
    const waiter = this.waiters.addSync(mark);
    const deadline = performance.now() + timeout;
    try {
      for (;;) {
        this.drain();
        if (done()) break;
        // A listener may have closed the memory.
        this.checkOpen();
        const left = Math.ceil(deadline - performance.now());
        if (left <= 0) throw waiter.refusal ?? this.timedOut(timeout, name);
        this.binding.wait(this.handle, Math.min(left, LONGEST_TIMER));
      }
      if (waiter.refusal !== undefined) throw waiter.refusal;
    } finally {
      waiter.off();
      this.emitAll();
    }
  }

  private timedOut(ms: number, name?: string): SyncedMemoryError {
    const error = syncedError('ERR_TIMEOUT', String(ms), name);
    return this.lastError === undefined
      ? error
      : new SyncedMemoryError(error.code, error.message, { cause: this.lastError });
  }

  /** Blocking mode reads the server: before an attribute is read, or (without a name) all of them. */
  beforeRead(name?: string): void {
    // A batch sees what was there when it began.
    if (this.blocking && this.state !== 'closed' && this.groups.batch === undefined)
      this.refreshSync(name === undefined ? undefined : [name]);
  }

  /** Flushes for at most exitTimeout, then closes; rejects where not everything was acknowledged. */
  async shutDown(): Promise<void> {
    if (this.state === 'closed') return;
    try {
      await this.flush(this.settings.exitTimeout);
    } finally {
      this.close();
    }
  }

  shutDownSync(): void {
    if (this.state === 'closed') return;
    try {
      this.flushSync();
    } finally {
      this.close();
    }
  }

  /** Ends the connection. What is not acknowledged is lost. */
  close(): void {
    if (this.state === 'closed') return;
    this.submit();
    this.state = 'closed';
    unwatch(this);
    this.binding.close(this.handle);
    this.waiters.abandon(syncedError('ERR_CLOSED'));
    this.replication.abandon(syncedError('ERR_CLOSED'));
    this.groups.abandon(syncedError('ERR_CLOSED'));
    this.feed.end();
    this.lifetimes.abandon(syncedError('ERR_CLOSED'));
  }

  private checkOpen(): void {
    if (this.state === 'closed') throw syncedError('ERR_CLOSED');
  }

  // Traffic

  private submit(): void {
    this.scheduled = false;
    const { count } = this.batch;
    if (count === 0 || this.state === 'closed') return;
    this.submitted += count;
    wrapped(() => this.binding.submit(this.handle, this.batch.take()));
  }

  private drain(): void {
    // What a batch has done is not known to the core yet.
    if (this.groups.batch !== undefined) return;
    this.submit();
    const text = wrapped(() => this.binding.drain(this.handle));
    if (text === '') return;
    for (const event of decode(text) as CoreEvent[]) this.take(event);
    this.checkOthers();
    this.emitAll();
    this.waiters.settle();
  }

  /** Listeners may mutate, and that must find the mirror where the core is: after all events. */
  private emitAll(): void {
    this.feed.deliver();
    for (const emit of this.emissions.splice(0)) emit();
  }

  /** What others made of an attribute may not be what its schema takes. It is there all the same. */
  private checkOthers(): void {
    for (const name of this.unchecked) {
      const error = this.mirror.has(name) ? this.mirror.check?.(name, this.mirror.snapshot(name)) : undefined;
      if (error !== undefined) this.emit('error', error);
    }
    this.unchecked.clear();
  }

  private take(event: CoreEvent): void {
    switch (event[0]) {
      case 'load':
        this.arrived(event[1], event[2], event[3]);
        this.mirror.load(event[1], event[4]);
        break;
      case 'patch':
        this.arrived(event[1], event[2], event[3]);
        this.mirror.patch(event[1], event[4]);
        break;
      case 'gone':
        this.revisions.delete(event[1]);
        this.limits.document(event[1], 0);
        this.feed.revision = undefined;
        this.mirror.gone(event[1]);
        break;
      case 'unreadable': {
        const error = new SyncedMemoryError(event[2], `${event[1]}: ${event[3]}`, { attribute: event[1] });
        this.revisions.delete(event[1]);
        this.feed.revision = undefined;
        this.mirror.unreadable(event[1], error);
        this.emit('error', error);
        break;
      }
      case 'ack': {
        this.changed(event[1], event[2], event[3]);
        this.lastError = undefined;
        if (this.events.has('ack')) this.emit('ack', { name: event[1], revision: this.lastModified(event[1]) });
        break;
      }
      case 'settled':
        this.settled = event[1];
        if (this.pending === 0) this.limits.settled();
        break;
      case 'rejected':
        this.refused(new SyncedMemoryError(event[2], `${event[1]}: ${event[3]}`, { attribute: event[1] }), event[4]);
        break;
      case 'conflict':
        this.emit('conflict', { name: event[1], kind: event[2], path: event[3], message: event[4] });
        break;
      case 'regression':
        this.replication.lost();
        this.emit('regression', { name: event[1], previous: BigInt(event[2]), revision: BigInt(event[3]) });
        break;
      case 'connect':
        this.state = 'connected';
        this.lastError = undefined;
        this.emit('connect', undefined);
        break;
      case 'disconnect':
        this.state = 'disconnected';
        this.lastError = new SyncedMemoryError(event[1], event[2]);
        this.emit('disconnect', this.lastError);
        break;
      case 'ready':
        this.ready = true;
        break;
      case 'refreshed':
        this.refreshed = event[1];
        break;
      case 'replicated':
        this.replication.answered(event[1], event[2], event[3] && new SyncedMemoryError(event[3], event[4] ?? ''));
        break;
      case 'committed':
        this.groups.committed(event[1]);
        break;
      case 'aborted':
        this.groups.aborted(event[1], event[2], event[3]);
        break;
      case 'incremented':
        this.groups.counted(event[1], event[2], event[3] ? new SyncedMemoryError(event[3], event[4] ?? '') : undefined);
        break;
      case 'lifetime':
        this.lifetimes.answered(event[1], event[2], refusal(event[3], event[4]));
        break;
      case 'error':
        this.lastError = new SyncedMemoryError(event[2], event[3]);
        this.emit('error', this.lastError);
        break;
    }
  }

  private emit<E extends keyof EventMap>(event: E, payload: EventMap[E]): void {
    this.emissions.push(() => this.events.emit(event, payload));
  }

  /** Somebody else has changed the attribute. */
  private arrived(name: string, revision: string | null, bytes: number): void {
    this.changed(name, revision, bytes);
    this.feed.revision = revision === null || !this.feed.isWanted ? undefined : BigInt(revision);
    if (this.mirror.check !== undefined) this.unchecked.add(name);
  }

  private changed(name: string, revision: string | null, bytes: number): void {
    if (revision === null) this.revisions.delete(name);
    else this.revisions.set(name, revision);
    this.limits.document(name, bytes);
  }

  private refused(error: SyncedMemoryError, number: number): void {
    this.waiters.refuse(error, number);
    this.emit('error', error);
  }
}

function refusal(code: string | undefined, message = ''): SyncedMemoryError | undefined {
  return code === undefined ? undefined : new SyncedMemoryError(code, message);
}

/** Calls the addon; what it throws becomes a SyncedMemoryError. */
function wrapped<T>(call: () => T, name?: string): T {
  try {
    return call();
  } catch (error) {
    throw SyncedMemoryError.from(error, name);
  }
}
