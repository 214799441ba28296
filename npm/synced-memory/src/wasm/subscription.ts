import type { Clock } from '../clock.js';
import type { Listener, Transport } from '../transport.js';
import { Backoff } from './backoff.js';

/** The first and the longest wait before a channel is subscribed to again, in milliseconds. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 30_000;
/** A transport that has not subscribed by then has failed, in milliseconds. */
const MOST_TO_SUBSCRIBE = 20_000;
/** One that lasted so long in milliseconds was in order: the next is tried at once. */
const LASTING = 10_000;

/** Listens to one channel, again and again. */
export class Subscription {
  /** Does everything that is published come here? */
  active = false;
  /** What an earlier try still says is not heard. */
  #turn = 0;
  /** Is the next try to come? */
  #waits = false;
  #since = 0;
  #cancel = (): void => {};
  #stop = (): void => {};
  #attempt = new AbortController();
  readonly #backoff: Backoff;
  readonly #transport: Required<Pick<Transport, 'subscribe'>>;
  readonly #channel: string;
  readonly #clock: Clock;
  /** `turned` is called when `active` has changed. */
  readonly #on: Omit<Listener, 'lost'> & { turned(): void };

  constructor(
    transport: Required<Pick<Transport, 'subscribe'>>,
    channel: string,
    clock: Clock,
    on: Omit<Listener, 'lost'> & { turned(): void },
  ) {
    this.#transport = transport;
    this.#channel = channel;
    this.#clock = clock;
    this.#on = on;
    this.#backoff = new Backoff(clock, FIRST_WAIT, LONGEST_WAIT);
    void this.#begin();
  }

  /** The server has just been reached: it need not be waited for. */
  hurry(): void {
    if (this.#waits) void this.#begin();
  }

  close(): void {
    this.#end();
    this.active = false;
  }

  async #begin(): Promise<void> {
    const turn = ++this.#turn;
    const isCurrent = (): boolean => turn === this.#turn;
    const lost = (): void => {
      if (isCurrent()) this.#lost();
    };
    this.#cancel();
    this.#waits = false;
    this.#attempt = new AbortController();
    this.#cancel = this.#clock.after(MOST_TO_SUBSCRIBE, lost);
    try {
      const listener: Listener = {
        message: (text) => void (isCurrent() && this.#on.message(text)),
        changed: (keys) => void (isCurrent() && this.#on.changed(keys)),
        lost,
      };
      const stop = await this.#transport.subscribe(this.#channel, listener, this.#attempt.signal);
      if (!isCurrent()) return stop();
      this.#cancel();
      this.#stop = stop;
      this.#since = this.#clock.monotonic();
      this.active = true;
      this.#on.turned();
    } catch {
      lost();
    }
  }

  #lost(): void {
    this.#end();
    if (this.active) {
      this.active = false;
      if (this.#clock.monotonic() - this.#since > LASTING) this.#backoff.reset();
      this.#on.turned();
    }
    this.#waits = true;
    this.#cancel = this.#clock.after(this.#backoff.next(), () => void this.#begin());
  }

  #end(): void {
    this.#turn++;
    this.#waits = false;
    this.#cancel();
    this.#stop();
    this.#stop = () => {};
    this.#attempt.abort();
  }
}
