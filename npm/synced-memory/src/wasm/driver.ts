import { type Clock, randomId } from '../clock.js';
import { SyncedMemoryError } from '../errors.js';
import { areReplies, type Command, isError, type Reply, type Transport } from '../transport.js';
import * as asks from './asks.js';
import { Backoff } from './backoff.js';
import { call, decode, take, takeBytes, type Value } from './core.js';
import { Subscription } from './subscription.js';

/** The first and the longest wait before a transport that failed is asked again, in milliseconds. */
const FIRST_WAIT = 20;
const LONGEST_WAIT = 2_000;

/** What a memory is opened with. */
interface Options {
  readonly prefix: string;
  readonly names?: string[];
  readonly maxDocumentBytes: number;
  readonly ttlMs?: number;
}

/** Commands that the core wants an answer to by this number. */
interface Request {
  readonly number: number;
  readonly commands: Command[];
}

/**
 * Drives one memory's session over a transport: one request at a time, so that commits arrive in order whatever the
 * transport does, and what is mutated meanwhile goes out with the next.
 */
export class Driver {
  readonly handle: number;
  /** What has arrived and waits for `drain`: the mirror must be where the core is before it is taken in. */
  readonly #inbox: (() => void)[] = [];
  #signalled = false;
  /** The request under way, until it is given up. */
  #flight: AbortController | undefined;
  /** May commands be sent? Not while waiting to try again. */
  #open = false;
  #closed = false;
  /** Has the session been told that there is no connection, and was it because of the login? */
  #reported: boolean | undefined;
  #cancelRetry = (): void => {};
  #timer: { at: number; cancel: () => void } | undefined;
  readonly #backoff: Backoff;
  readonly #subscription: Subscription | undefined;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #wake: () => void;

  constructor(
    transport: Transport,
    clock: Clock,
    { prefix, names, maxDocumentBytes, ttlMs }: Options,
    wake: () => void,
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#wake = wake;
    const config = [prefix, randomId(), maxDocumentBytes, ttlMs, transport.lookEvery, names, clock.random() * 2 ** 53];
    this.handle = call(clock, 0, asks.OPEN, ...config);
    const channel = take();
    this.#backoff = new Backoff(clock, FIRST_WAIT, LONGEST_WAIT);
    // Before anything is asked: what can be heard from the start need not be asked for.
    if (canSubscribe(transport)) {
      this.#subscription = new Subscription(transport, channel, clock, {
        message: (text) => this.#deliver(() => this.#ask(asks.HEARD, text)),
        changed: (keys) => this.#deliver(() => this.#ask(asks.CHANGED, keys)),
        turned: () => this.#deliver(() => this.#ask(asks.LISTENING, this.listens)),
      });
    }
    this.#deliver(() => this.#connect());
  }

  /** Is everything that others commit told? */
  get listens(): boolean {
    return this.#subscription?.active === true;
  }

  /** Takes in what has arrived and gives the events. */
  drain(): string {
    this.#signalled = false;
    for (const arrive of this.#inbox.splice(0)) {
      if (this.#closed) return '';
      arrive();
    }
    this.#send();
    this.#ask(asks.EVENTS);
    const events = take();
    this.#setTimer();
    return events;
  }

  /** Sends what may be sent, and sees to it that `drain` is called where there are events. */
  advance(): void {
    this.#send();
    this.#setTimer();
  }

  close(): void {
    this.#closed = true;
    this.#flight?.abort();
    this.#cancelRetry();
    this.#timer?.cancel();
    this.#subscription?.close();
    this.#ask(asks.CLOSE);
  }

  #ask(what: number, ...values: Value[]): number {
    return call(this.#clock, this.handle, what, ...values);
  }

  #deliver(arrive: () => void): void {
    this.#inbox.push(arrive);
    this.#signal();
  }

  /** Never within a call of the JavaScript layer: it may be in the midst of something. */
  #signal(): void {
    if (this.#signalled || this.#closed) return;
    this.#signalled = true;
    queueMicrotask(() => {
      if (!this.#closed) this.#wake();
    });
  }

  #connect(): void {
    this.#open = true;
    this.#ask(asks.CONNECTED);
  }

  #send(): void {
    if (!this.#open || this.#flight !== undefined) return;
    this.#ask(asks.REQUESTS);
    const requests = readRequests(takeBytes());
    if (requests.length > 0) void this.#fly(requests);
  }

  async #fly(requests: Request[]): Promise<void> {
    const flight = new AbortController();
    this.#flight = flight;
    const commands = requests.flatMap((request) => request.commands);
    let replies: Reply[];
    try {
      replies = await this.#transport.execute(commands, flight.signal);
      if (!areReplies(replies, commands.length)) throw new Error('the transport gave something else than replies');
    } catch (error) {
      this.#deliver(() => this.#lost(flight, error));
      return;
    }
    this.#deliver(() => this.#landed(flight, requests, replies));
  }

  #landed(flight: AbortController, requests: Request[], replies: Reply[]): void {
    if (flight !== this.#flight) return;
    this.#flight = undefined;
    const refused = replies.find(isLoginRefused);
    if (refused !== undefined) {
      const how = 'correct user and password in the URL or the options of the transport';
      this.#fail(new SyncedMemoryError('ERR_AUTH', `the server refused the login: ${refused.message}; ${how}`));
      return;
    }
    let end = 0;
    for (const { number, commands } of requests) {
      const start = end;
      end += commands.length;
      if (this.#ask(asks.ANSWER, number, ...replies.slice(start, end)) === 0) {
        this.#fail(new Error('the transport gave replies that are not to what it was asked'));
        return;
      }
    }
    this.#backoff.reset();
    if (this.#reported !== undefined) this.#subscription?.hurry();
    this.#reported = undefined;
  }

  #lost(flight: AbortController, error: unknown): void {
    if (flight !== this.#flight) return;
    this.#flight = undefined;
    this.#fail(error);
  }

  /** Nothing that has been sent will be answered any more; the transport is asked again after a while. */
  #fail(error: unknown): void {
    this.#open = false;
    const login = error instanceof SyncedMemoryError && error.code === 'ERR_AUTH';
    const message = error instanceof Error ? error.message : String(error);
    // While nothing changes, the session has been told.
    if (this.#reported !== login) {
      this.#reported = login;
      const text = login ? message : `the transport failed: ${message}; trying again`;
      this.#ask(asks.DISCONNECTED, text, login);
    }
    const wait = login ? LONGEST_WAIT * (1 - this.#clock.random() / 2) : this.#backoff.next();
    this.#cancelRetry = this.#clock.after(wait, () => this.#deliver(() => this.#connect()));
  }

  /** Sees to it that `drain` is called when there is something. */
  #setTimer(): void {
    const due = this.#ask(asks.DUE);
    if (due < 0) {
      this.#signal();
      return;
    }
    // While waiting to try again nothing is overdue: the session has it all sent again.
    const at = this.#open ? due : Number.POSITIVE_INFINITY;
    // A timer that comes too early costs less than to move it with every reply.
    if (this.#timer !== undefined && this.#timer.at <= at && at < Number.POSITIVE_INFINITY) return;
    // None may outlive what it is for: a request at the edge has ended by then.
    this.#timer?.cancel();
    this.#timer = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.monotonic()), () => {
      this.#timer = undefined;
      this.#deliver(() => this.#tick());
    });
    this.#timer = { at, cancel };
  }

  #tick(): void {
    if (this.#ask(asks.TICK) === 0 || this.#flight === undefined) return;
    const flight = this.#flight;
    this.#lost(flight, new Error('the server has not answered in time'));
    flight.abort();
  }
}

/** Reads what crates/wasm/src/line.rs writes. */
function readRequests(bytes: Uint8Array): Request[] {
  const requests: Request[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let end = 0;
  /** Where the next `size` bytes begin. */
  const next = (size: number): number => {
    end += size;
    return end - size;
  };
  const length = (): number => view.getUint32(next(4), true);
  const argument = (): string | Uint8Array => decode(bytes.subarray(next(length()), end));
  const command = (): Command => Array.from({ length: length() }, argument);
  while (end < bytes.length) {
    const number = view.getFloat64(next(8), true);
    requests.push({ number, commands: Array.from({ length: length() }, command) });
  }
  return requests;
}

function canSubscribe(transport: Transport): transport is Transport & Required<Pick<Transport, 'subscribe'>> {
  return transport.subscribe !== undefined;
}

/** Nothing is carried out for who is not logged in. */
function isLoginRefused(reply: Reply): reply is { message: string } {
  return isError(reply) && /^(NOAUTH|WRONGPASS)/.test(reply.message);
}
