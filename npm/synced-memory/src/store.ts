import type { Binding } from './binding.js';
import type { Changes } from './changes.js';
import type { Draft } from './draft.js';
import { optionsError, type Path, syncedError } from './errors.js';
import { Events } from './events.js';
import { hold, unwatch, watch } from './exit.js';
import { Feed } from './feed.js';
import { Groups } from './groups.js';
import { Intake, toBigInt } from './intake.js';
import { Limits } from './limits.js';
import { Line } from './line.js';
import { Mirror } from './mirror.js';
import type { Settings } from './options.js';
import { checkName } from './proxy/memory.js';
import type { Recorder } from './recorder.js';
import { replicate } from './replication.js';
import { checkBy } from './schema.js';
import type { Status } from './status.js';

/** What a memory is made of: records what the mirror mutates, and does what the memory's methods say. */
export class Store implements Recorder {
  readonly mirror: Mirror;
  readonly events: Events;
  readonly line: Line;
  readonly #intake: Intake;
  readonly #limits: Limits;
  readonly #feed: Feed;
  readonly #groups: Groups;
  readonly #settings: Settings;
  readonly #blocking: boolean;

  constructor(binding: Binding, settings: Settings, blocking: boolean, attributes: object, beside?: Store) {
    this.#settings = settings;
    this.#blocking = blocking;
    this.mirror = new Mirror(this, attributes);
    this.mirror.check = checkBy(settings.schema);
    this.events = new Events(settings.onError, () => this.#watchChanges());
    this.#feed = new Feed(this.mirror, this.events);
    this.#limits = new Limits(settings, {
      check: (name, mutation) => {
        // The core does not know of what a batch has done so far, and decides when it gets it.
        if (!this.mirror.isTentative) this.line.ask((core, handle) => core.check(handle, mutation), name);
      },
      pendingBytes: () => this.line.pendingBytes,
    });
    this.#intake = new Intake(this.mirror, this.events, this.#feed, this.#limits);
    this.line = new Line(binding, settings, this.mirror, this.#intake, beside?.line);
    this.#groups = new Groups(this.mirror, this.#feed, this.line);
    watch(this);
  }

  get exitTimeout(): number {
    return this.#settings.exitTimeout;
  }

  get pending(): number {
    return this.line.pending;
  }

  status(): Status {
    const scheme = this.#settings.url.slice(0, this.#settings.url.indexOf(':')).toLowerCase();
    const backend = scheme === 'file' || scheme === 'memory' ? scheme : 'redis';
    const { state, lastError } = this.#intake;
    const { pending, pendingBytes, isOpen } = this.line;
    return {
      state,
      backend,
      pending,
      pendingBytes,
      ...(isOpen && { capabilities: JSON.parse(this.line.ask((core, handle) => core.capabilities(handle))) }),
      ...(lastError && { lastError }),
    };
  }

  lastModified(name: string): bigint | undefined {
    return toBigInt(this.#intake.revisions.get(name));
  }

  /** What a scope of this memory is opened with. Throws where it cannot have one. */
  parent(): { binding: Binding; settings: Settings } {
    this.line.checkOpen();
    if (this.#blocking) {
      throw syncedError('ERR_NOT_SUPPORTED', 'a memory that blocks has no $scope; use PrefixedMemory.openSync');
    }
    return { binding: this.line.binding, settings: this.#settings };
  }

  // Recorder

  admit(name: string, units: number, text: () => string): void {
    this.line.checkOpen();
    this.#limits.admit(name, units, text);
  }

  record(name: string, text: string): void {
    (this.#groups.batch ?? this.line.batch).add(text);
    this.#recorded(name, text.length);
  }

  recordAppend(name: string, list: object, head: () => string, values: string): void {
    (this.#groups.batch ?? this.line.batch).append(list, head, values);
    this.#recorded(name, values.length);
  }

  #recorded(name: string, units: number): void {
    this.#limits.recorded(name, units);
    if (this.mirror.isTentative) return;
    if (this.#blocking) this.line.untilSync(this.line.flushed(), undefined, name);
    else this.line.schedule();
  }

  // Groups

  /** Runs `fn`: what it mutates is committed together. Where it throws, nothing has been mutated. */
  runBatch<T>(fn: () => T): T {
    this.line.checkOpen();
    const result = this.#groups.run(fn, () => this.#watchChanges());
    if (this.#blocking && !this.mirror.isTentative) this.flushSync();
    return result;
  }

  /** Commits what a transaction has done, unless anything it relied on is changed before: then rejects with ERR_CONFLICT. */
  commit(draft: Draft): Promise<void> {
    return hold(this.#groups.commit(draft));
  }

  /** Adds to a number; what the server then had. */
  increment(name: string, path: Path, by: number | bigint): Promise<number | bigint> {
    return hold(this.mirror.increment(name, path, by, () => this.#groups.count()));
  }

  // Changes

  changes(name?: string): Changes {
    this.line.checkOpen();
    const changes = this.#feed.read(name, () => this.#watchChanges());
    this.#watchChanges();
    return changes;
  }

  /** Keeps track of what changes only where somebody wants to know. */
  #watchChanges(): void {
    const isWanted = this.#feed.isWanted || this.mirror.isTentative;
    this.mirror.observer = isWanted
      ? (applied, isLocal) => {
          this.#groups.note(applied);
          this.#feed.note(applied, isLocal);
        }
      : undefined;
  }

  // The server

  /** Resolves when everything mutated so far is acknowledged; rejects then where the server refused some of it. */
  flush(timeout?: number): Promise<void> {
    return this.line.until(this.line.flushed(), timeout);
  }

  flushSync(timeout?: number): void {
    this.line.untilSync(this.line.flushed(), timeout);
  }

  /** Catches up with the server as of now: with these attributes, or with all and new ones. */
  refresh(names?: readonly string[]): Promise<void> {
    return this.line.until(this.line.refreshed(names));
  }

  /** Flushes, and waits until so many replicas have it. */
  async flushTo(replicas: number, timeout = this.#settings.timeout): Promise<void> {
    if (this.status().backend !== 'redis') {
      throw optionsError('replicas: only a server has replicas; leave it out');
    }
    const deadline = performance.now() + timeout;
    await this.flush(timeout);
    await replicate(this.#intake, replicas, deadline, (waitMs) =>
      this.line.ask((core, handle) => core.replicate(handle, replicas, waitMs)),
    );
  }

  /**
   * How long an attribute stays, once what was mutated before is acknowledged: milliseconds, true for ever, false where there
   * is none. `ask` asks or sets it.
   */
  async lifetime(ask: (core: Binding, handle: number) => number): Promise<number | boolean> {
    return hold(this.line.answers.to('lifetime', this.line.ask(ask)));
  }

  /** Blocking mode reads the server: before an attribute is read, or (without a name) all of them. */
  beforeRead(name?: string): void {
    // A batch sees what was there when it began.
    if (this.#blocking && this.line.isOpen && !this.mirror.isTentative) {
      this.line.untilSync(this.line.refreshed(name === undefined ? undefined : [name]));
    }
  }

  // Opening and closing

  /** Resolves when the attributes are loaded, or the server turned out to be out of reach. Rejects where it refuses the login. */
  async opened(): Promise<void> {
    await this.line.until(this.line.ready());
    this.#begin();
  }

  openedSync(): void {
    try {
      this.line.untilSync(this.line.ready());
    } catch (error) {
      this.close();
      throw error;
    }
    this.#begin();
  }

  /** Creates what is absent. Throws where the server refuses the login, which waiting does not help against. */
  #begin(): void {
    const { state, lastError } = this.#intake;
    try {
      if (state === 'disconnected' && /^ERR_(AUTH|TLS)$/.test(String(lastError?.code))) throw lastError;
      const absent = Object.entries(this.#settings.defaults ?? {});
      for (const [name, value] of absent) this.mirror.create(checkName(name), value);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Flushes for at most exitTimeout, then closes; rejects where not everything was acknowledged. */
  async shutDown(): Promise<void> {
    if (!this.line.isOpen) return;
    try {
      await this.flush(this.exitTimeout);
    } finally {
      this.close();
    }
  }

  shutDownSync(): void {
    if (!this.line.isOpen) return;
    try {
      this.flushSync();
    } finally {
      this.close();
    }
  }

  /** Ends the connection. What is not acknowledged is lost. */
  close(): void {
    if (!this.line.isOpen) return;
    unwatch(this);
    this.line.close();
    this.#feed.end();
  }
}
