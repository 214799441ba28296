import type { Clock } from '../clock.js';
import { SyncedMemoryError } from '../errors.js';
import { areReplies, type Command, isError, type Reply, type Transport } from '../transport.js';
import { Backoff } from './backoff.js';
import type { Core } from './core.js';
import { Subscription } from './subscription.js';

/** The first and the longest wait before a transport that failed is asked again, in milliseconds. */
const FIRST_WAIT = 20;
const LONGEST_WAIT = 2_000;

/**
 * Drives one memory's session over a transport: one request at a time, so that commits arrive in order whatever the
 * transport does, and what is mutated meanwhile goes out with the next.
 */
export class Driver {
  /** What has arrived and waits for `drain`: the mirror must be where the core is before it is taken in. */
  private readonly inbox: (() => void)[] = [];
  private signalled = false;
  /** The request under way, until it is given up. */
  private flight: AbortController | undefined;
  /** May commands be sent? Not while waiting to try again. */
  private open = false;
  private closed = false;
  /** What the session has been told about why there is no connection. */
  private reported: string | undefined;
  private cancelRetry = (): void => {};
  private timer: { at: number; cancel: () => void } | undefined;
  private readonly backoff: Backoff;
  private readonly subscription: Subscription | undefined;

  constructor(
    private readonly core: Core,
    private readonly handle: number,
    channel: string,
    private readonly transport: Transport,
    private readonly clock: Clock,
    private readonly wake: () => void,
  ) {
    this.backoff = new Backoff(clock, FIRST_WAIT, LONGEST_WAIT);
    // Before anything is asked: what can be heard from the start need not be asked for.
    if (canSubscribe(transport)) {
      this.subscription = new Subscription(transport, channel, clock, {
        message: (text) => this.deliver(() => core.heard(handle, text, ...this.now())),
        changed: (keys) => this.deliver(() => core.changed(handle, keys, ...this.now())),
        turned: () => this.deliver(() => core.listening(handle, this.listens, ...this.now())),
      });
    }
    this.deliver(() => this.connect());
  }

  /** Is everything that others commit told? */
  get listens(): boolean {
    return this.subscription?.active === true;
  }

  /** Takes in what has arrived and gives the events. */
  drain(): string {
    this.signalled = false;
    for (const take of this.inbox.splice(0)) {
      if (this.closed) return '';
      take();
    }
    this.send();
    return this.core.events(this.handle);
  }

  /** Sends what may be sent, and sees to it that `drain` is called where there are events. */
  advance(): void {
    this.send();
    if (this.core.hasEvents(this.handle)) this.signal();
  }

  close(): void {
    this.closed = true;
    this.flight?.abort();
    this.cancelRetry();
    this.timer?.cancel();
    this.subscription?.close();
    this.core.close(this.handle);
  }

  private now(): [unix: number, monotonic: number] {
    return [this.clock.unix(), this.clock.monotonic()];
  }

  private deliver(take: () => void): void {
    this.inbox.push(take);
    this.signal();
  }

  /** Never within a call of the JavaScript layer: it may be in the midst of something. */
  private signal(): void {
    if (this.signalled || this.closed) return;
    this.signalled = true;
    queueMicrotask(() => {
      if (!this.closed) this.wake();
    });
  }

  private connect(): void {
    this.open = true;
    this.core.connected(this.handle, ...this.now());
  }

  private send(): void {
    if (this.open && this.flight === undefined) {
      // [request, its commands, request, its commands, …]
      const requests = this.core.commands(this.handle, ...this.now()) as (number | Command[])[];
      if (requests.length > 0) void this.fly(requests);
    }
    this.setTimer();
  }

  private async fly(requests: (number | Command[])[]): Promise<void> {
    const flight = new AbortController();
    this.flight = flight;
    const commands = requests.filter((part) => typeof part === 'object').flat();
    let replies: Reply[];
    try {
      replies = await this.transport.execute(commands, flight.signal);
      if (!areReplies(replies, commands.length)) throw new Error('the transport gave something else than replies');
    } catch (error) {
      this.deliver(() => this.lost(flight, error));
      return;
    }
    this.deliver(() => this.landed(flight, requests, replies));
  }

  private landed(flight: AbortController, requests: (number | Command[])[], replies: Reply[]): void {
    if (flight !== this.flight) return;
    this.flight = undefined;
    const refused = replies.find(isLoginRefused);
    if (refused !== undefined) {
      const how = 'correct user and password in the URL or the options of the transport';
      this.fail(new SyncedMemoryError('ERR_AUTH', `the server refused the login: ${refused.message}; ${how}`));
      return;
    }
    const now = this.now();
    const rest = replies.map(exact);
    for (let i = 0; i < requests.length; i += 2) {
      const own = rest.splice(0, (requests[i + 1] as Command[]).length);
      if (!this.core.answer(this.handle, requests[i] as number, own, ...now)) {
        this.fail(new Error('the transport gave replies that are not to what it was asked'));
        return;
      }
    }
    this.backoff.reset();
    if (this.reported !== undefined) this.subscription?.hurry();
    this.reported = undefined;
  }

  private lost(flight: AbortController, error: unknown): void {
    if (flight !== this.flight) return;
    this.flight = undefined;
    this.fail(error);
  }

  /** Nothing that has been sent will be answered any more; the transport is asked again after a while. */
  private fail(error: unknown): void {
    this.open = false;
    const login = error instanceof SyncedMemoryError && error.code === 'ERR_AUTH';
    const message = error instanceof Error ? error.message : String(error);
    const report = `${login}`;
    // While nothing changes, the session has been told.
    if (this.reported !== report) {
      this.reported = report;
      const text = login ? message : `the transport failed: ${message}; trying again`;
      this.core.disconnected(this.handle, login, text, ...this.now());
    }
    const wait = login ? LONGEST_WAIT * (1 - this.clock.random() / 2) : this.backoff.next();
    this.cancelRetry = this.clock.after(wait, () => this.deliver(() => this.connect()));
  }

  /** A timer that comes too early costs less than to move it with every reply. */
  private setTimer(): void {
    // While waiting to try again nothing is overdue: the session has it all sent again.
    const at = this.open ? this.core.timeout(this.handle) : undefined;
    if (at === undefined) {
      // None may outlive what it is for: a request at the edge has ended by then.
      this.timer?.cancel();
      this.timer = undefined;
      return;
    }
    if (this.timer !== undefined && this.timer.at <= at) return;
    this.timer?.cancel();
    const cancel = this.clock.after(Math.max(0, at - this.clock.monotonic()), () => {
      this.timer = undefined;
      this.deliver(() => this.tick());
    });
    this.timer = { at, cancel };
  }

  private tick(): void {
    if (!this.core.tick(this.handle, ...this.now()) || this.flight === undefined) return;
    const flight = this.flight;
    this.lost(flight, new Error('the server has not answered in time'));
    flight.abort();
  }
}

function canSubscribe(transport: Transport): transport is Transport & Required<Pick<Transport, 'subscribe'>> {
  return transport.subscribe !== undefined;
}

/** Nothing is carried out for who is not logged in. */
function isLoginRefused(reply: Reply): reply is { message: string } {
  return isError(reply) && /^(NOAUTH|WRONGPASS)/.test(reply.message);
}

/** Numbers as the core takes them. */
function exact(reply: Reply): unknown {
  if (typeof reply === 'bigint') return Number(reply);
  return Array.isArray(reply) ? reply.map(exact) : reply;
}
