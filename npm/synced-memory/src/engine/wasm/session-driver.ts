import type { Session, SessionOptions as SessionSettings } from '../../../wasm/core.js';
import { type Clock, randomId } from '../../base/clock.js';
import type { Capabilities, CoreSession, RestoredState, SessionOptions, SideKeys } from '../engine.js';
import type { Transport } from '../transport.js';
import type { CoreInstance } from './core-instance.js';
import { DeadlineTimer } from './deadline-timer.js';
import { blockingError } from './not-supported.js';
import { type SubscribingTransport, Subscription } from './subscription.js';
import { type ConnectionEvents, TransportConnection } from './transport-connection.js';

/** Time after which `drain` processes nothing more, in milliseconds. */
const MAX_DRAIN_MS = 4;
/** Most UTF-16 code units of messages that wait for `drain`. */
const MAX_WAITING_UNITS = 4 << 20;

/** About the size of a message beside its text. */
const HINT_OVERHEAD = 64;

/** The events of a session driver. */
export interface DriverEvents {
  /** `drain` may have events. Never called within another call. */
  wake(): void;
  closed(): void;
}

/**
 * Drives one memory's session in the core: sends its commands over a transport, hands it replies and messages, and keeps its
 * timer.
 */
export class SessionDriver implements CoreSession {
  /**
   * Events of the transport and the timer, which wait for `drain`: the memory calls it when its mirror has the state that the
   * session has, so that both can change together.
   */
  readonly #inbox: (() => void)[] = [];
  /** Size of the messages in `#inbox`. */
  #waitingUnits = 0;
  /** True while messages are dropped, until the session knows. */
  #missesHints = false;
  #isWakeScheduled = false;
  #isClosed = false;
  readonly #core: CoreInstance;
  readonly #session: Session;
  readonly #connection: TransportConnection;
  readonly #subscription: Subscription | undefined;
  readonly #timer: DeadlineTimer;
  readonly #clock: Clock;
  readonly #on: DriverEvents;

  constructor(core: CoreInstance, transport: Transport, clock: Clock, options: SessionOptions, on: DriverEvents) {
    this.#core = core;
    this.#clock = clock;
    this.#on = on;
    this.#session = core.open(sessionSettings(options, transport, clock), () => this.#instanceEnded());
    this.#timer = new DeadlineTimer(clock, () => this.#defer(() => this.#handleTimeout()));
    // Subscribed before the first request, so that no change between the two is missed.
    this.#subscription = this.#subscribe(transport);
    this.#connection = this.#connect(transport);
  }

  restored(): RestoredState {
    return { mutations: 0, names: [] };
  }

  hasUnwrittenJournal(): boolean {
    return false;
  }

  submit(batch: string): void {
    this.#change((session) => session.submit(batch, ...this.#now()));
  }

  check(mutation: string): void {
    this.#core.call(() => this.#session.check(mutation));
  }

  pendingBytes(): number {
    return this.#core.call(() => this.#session.pendingBytes());
  }

  refresh(names?: readonly string[]): number {
    return this.#change((session) => session.refresh(names));
  }

  replicate(wanted: number, waitMs: number): number {
    return this.#change((session) => session.replicate(wanted, waitMs));
  }

  expire(name: string, ms: number): number {
    return this.#change((session) => session.expire(name, ms));
  }

  persist(name: string): number {
    return this.#change((session) => session.persist(name));
  }

  ttl(name: string): number {
    return this.#change((session) => session.ttl(name));
  }

  writers(): number {
    return this.#change((session) => session.writers());
  }

  history(name: string, limit: number): number {
    return this.#change((session) => session.history(name, limit));
  }

  valueAt(name: string, revision: bigint): number {
    return this.#change((session) => session.valueAt(name, revision));
  }

  sideKeys(): SideKeys {
    return this.#core.call(() => this.#session.sideKeys(...this.#now()));
  }

  release(): boolean {
    return this.#change((session) => session.release(...this.#now()));
  }

  capabilities(): Capabilities {
    return this.#core.call(() => this.#session.capabilities());
  }

  drain(): string[] {
    this.#isWakeScheduled = false;
    const began = this.#clock.monotonic();
    const waiting = this.#inbox.length;
    let taken = 0;
    try {
      while (taken < waiting && !this.#isClosed) {
        this.#inbox[taken++]?.();
        if (this.#clock.monotonic() - began > MAX_DRAIN_MS) break;
      }
    } finally {
      this.#inbox.splice(0, taken);
    }
    this.#send();
    const events = this.#core.call(() => this.#session.takeEvents());
    this.#setTimer();
    if (this.#inbox.length > 0) this.#scheduleWake();
    return events.length === 0 && this.#inbox.length > 0 ? ['=[]'] : events;
  }

  wait(): never {
    throw blockingError('$flushSync');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#release();
    this.#core.close(this.#session);
  }

  /** Calls the session, then sends the commands and sets the timer that follow from the call. */
  #change<T>(call: (session: Session) => T): T {
    try {
      return this.#core.call(() => call(this.#session));
    } finally {
      this.#send();
      this.#setTimer();
    }
  }

  #send(): void {
    if (this.#isClosed) return;
    const commands = this.#core.call(() => this.#session.poll(this.#connection.canSend, ...this.#now()));
    if (commands !== undefined) void this.#connection.send(commands);
  }

  #setTimer(): void {
    if (this.#isClosed) return;
    if (this.#core.call(() => this.#session.hasEvents())) {
      this.#scheduleWake();
      return;
    }
    // No timeout between attempts to connect: after one, the session sends everything again.
    this.#timer.set(this.#connection.isOpen ? this.#core.call(() => this.#session.timeout()) : undefined);
  }

  #connect(transport: Transport): TransportConnection {
    const events: ConnectionEvents = {
      connected: () => this.#core.call(() => this.#session.handleConnected(...this.#now())),
      disconnected: ({ code, message }) =>
        this.#core.call(() => this.#session.handleDisconnected(code, message, ...this.#now())),
      replies: (replies) => this.#core.call(() => this.#session.handleReplies(replies, ...this.#now())),
      recovered: () => this.#subscription?.retryNow(),
    };
    return new TransportConnection(transport, this.#clock, events, (event) => this.#defer(event));
  }

  #subscribe(transport: Transport): Subscription | undefined {
    if (!canSubscribe(transport)) return undefined;
    const defer = (handle: (session: Session) => void): void =>
      this.#defer(() => this.#core.call(() => handle(this.#session)));
    return new Subscription(transport, this.#session.channel, this.#clock, {
      message: (text) => {
        const message = text.slice(0, this.#session.maxMessageLength);
        this.#deferHint(message.length, (session) => session.handleMessage(message, ...this.#now()));
      },
      changed: (keys) =>
        this.#deferHint(keys.join().length, (session) => session.handleChangedKeys(keys, ...this.#now())),
      onActiveChange: (isActive) => defer((session) => session.handleSubscription(isActive, ...this.#now())),
    });
  }

  /**
   * Defers a message that only says what may be read as well. Those that pile up are dropped, and the session reads everything that
   * has changed.
   */
  #deferHint(units: number, handle: (session: Session) => void): void {
    const size = units + HINT_OVERHEAD;
    if (this.#missesHints) return;
    this.#missesHints = this.#waitingUnits + size > MAX_WAITING_UNITS;
    if (this.#missesHints) {
      this.#defer(() => {
        this.#missesHints = false;
        this.#core.call(() => this.#session.handleSubscription(true, ...this.#now()));
      });
      return;
    }
    this.#waitingUnits += size;
    this.#defer(() => {
      this.#waitingUnits -= size;
      this.#core.call(() => handle(this.#session));
    });
  }

  #handleTimeout(): void {
    const isOverdue = this.#core.call(() => this.#session.handleTimeout(...this.#now()));
    if (isOverdue) this.#connection.abort('the server has not answered in time');
  }

  /** The wasm instance that all sessions share has failed, in this session or another: `drain` reports it. */
  #instanceEnded(): void {
    this.#release();
    queueMicrotask(() => this.#on.wake());
  }

  #release(): void {
    this.#isClosed = true;
    this.#connection.close();
    this.#subscription?.close();
    this.#timer.cancel();
    this.#on.closed();
  }

  #defer(event: () => void): void {
    this.#inbox.push(event);
    this.#scheduleWake();
  }

  #scheduleWake(): void {
    if (this.#isWakeScheduled || this.#isClosed) return;
    this.#isWakeScheduled = true;
    queueMicrotask(() => {
      if (!this.#isClosed) this.#on.wake();
    });
  }

  /** The time in milliseconds: since 1970, and monotonic. */
  #now(): [unixMs: number, monotonicMs: number] {
    return [this.#clock.unix(), this.#clock.monotonic()];
  }
}

function sessionSettings(options: SessionOptions, transport: Transport, clock: Clock): SessionSettings {
  const { base, prefix, names, maxDocumentBytes, ttlMs, label, host, history } = options;
  const { pollIntervalMs, notifiesAllWrites = false, isCluster = false, lifetime = 'process' } = transport;
  const random = { writer: randomId(), secret: randomId(), seed: Math.floor(clock.random() * Number.MAX_SAFE_INTEGER) };
  const traits = { pollIntervalMs, notifiesAllWrites, isCluster, isRequestLived: lifetime === 'request' };
  return { ...random, ...traits, base, prefix, names, maxDocumentBytes, ttlMs, label, host, history };
}

function canSubscribe(transport: Transport): transport is Transport & SubscribingTransport {
  return transport.subscribe !== undefined;
}
