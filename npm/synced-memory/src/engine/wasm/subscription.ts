import type { Clock } from '../../base/clock.js';
import type { Listener, Transport } from '../transport.js';
import { Backoff } from './backoff.js';

/** The first and the longest wait before the next attempt to subscribe, in milliseconds. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;
/** An attempt that has not succeeded after this long has failed. */
const ATTEMPT_TIMEOUT_MS = 20_000;
/** A subscription that lasted this long was in order: the wait after it is the first again. */
const STABLE_AFTER_MS = 10_000;

export type SubscribingTransport = Required<Pick<Transport, 'subscribe'>>;

/** The events of a subscription. */
interface SubscriptionEvents extends Omit<Listener, 'lost'> {
  /** From now on all messages arrive, or may be missed. */
  onActiveChange(isActive: boolean): void;
}

/** Keeps one channel of a transport subscribed: subscribes again whenever the subscription is lost. */
export class Subscription {
  #isActive = false;
  /** The number of the current attempt: callbacks of earlier ones are ignored. */
  #attempt = 0;
  #isWaiting = false;
  #activeSinceMs = 0;
  /** Cancels the wait before the next attempt, or the timeout of the current one. */
  #cancelTimer = (): void => {};
  #unsubscribe = (): void => {};
  #abort = new AbortController();
  readonly #backoff: Backoff;
  readonly #transport: SubscribingTransport;
  readonly #channel: string;
  readonly #clock: Clock;
  readonly #on: SubscriptionEvents;

  constructor(transport: SubscribingTransport, channel: string, clock: Clock, on: SubscriptionEvents) {
    this.#transport = transport;
    this.#channel = channel;
    this.#clock = clock;
    this.#on = on;
    this.#backoff = new Backoff(clock, FIRST_RETRY_MS, LONGEST_RETRY_MS);
    void this.#subscribe();
  }

  /** Makes the next attempt at once: the server can be reached again. */
  retryNow(): void {
    if (this.#isWaiting) void this.#subscribe();
  }

  close(): void {
    this.#endAttempt();
    this.#isActive = false;
  }

  async #subscribe(): Promise<void> {
    const attempt = ++this.#attempt;
    const isCurrent = (): boolean => attempt === this.#attempt;
    const lost = (): void => {
      if (isCurrent()) this.#lost();
    };
    this.#cancelTimer();
    this.#isWaiting = false;
    this.#abort = new AbortController();
    this.#cancelTimer = this.#clock.after(ATTEMPT_TIMEOUT_MS, lost);
    try {
      const listener: Listener = {
        message: (text) => void (isCurrent() && this.#on.message(text)),
        changed: (keys) => void (isCurrent() && this.#on.changed(keys)),
        lost,
      };
      const unsubscribe = await this.#transport.subscribe(this.#channel, listener, this.#abort.signal);
      if (!isCurrent()) return unsubscribe();
      this.#cancelTimer();
      this.#unsubscribe = unsubscribe;
      this.#activeSinceMs = this.#clock.monotonic();
      this.#isActive = true;
      this.#on.onActiveChange(true);
    } catch {
      lost();
    }
  }

  #lost(): void {
    this.#endAttempt();
    if (this.#isActive) {
      this.#isActive = false;
      if (this.#clock.monotonic() - this.#activeSinceMs > STABLE_AFTER_MS) this.#backoff.reset();
      this.#on.onActiveChange(false);
    }
    this.#isWaiting = true;
    this.#cancelTimer = this.#clock.after(this.#backoff.next(), () => void this.#subscribe());
  }

  #endAttempt(): void {
    this.#attempt++;
    this.#isWaiting = false;
    this.#cancelTimer();
    this.#unsubscribe();
    this.#unsubscribe = () => {};
    this.#abort.abort();
  }
}
