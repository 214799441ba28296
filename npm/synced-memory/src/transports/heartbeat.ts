import { type Clock, systemClock } from '../base/clock.js';
import type { Transport } from '../engine/transport.js';

/** Silence after which a subscription is tested, in milliseconds. */
const SILENCE_MS = 60_000;
/** Time to wait for a reply, and then for the message, in milliseconds. */
const REPLY_MS = 20_000;

/**
 * Detects that a subscription has died without an error. After a silence it publishes an empty message on the channel, which
 * memories ignore. If the server accepts the message but the subscription does not receive it, the subscription is dead.
 */
export class Heartbeat {
  /** Number of messages received so far. */
  #received = 0;
  #isStopped = false;
  #cancelTimer = (): void => {};
  readonly #transport: Pick<Transport, 'execute' | 'clock'>;
  readonly #channel: () => string;
  readonly #onDead: (error: Error) => void;

  /** `channel` returns the channel to publish on; it is called for each test. */
  constructor(transport: Pick<Transport, 'execute' | 'clock'>, channel: () => string, onDead: (error: Error) => void) {
    this.#transport = transport;
    this.#channel = channel;
    this.#onDead = onDead;
    this.noteMessage();
  }

  /** Notes that the subscription has received a message, and begins to wait for a silence again. */
  noteMessage(): void {
    this.#received++;
    this.#cancelTimer();
    // A random delay: subscribers of the same channel receive the message of the first that tests it.
    const ms = SILENCE_MS * (1 + this.#clock.random() / 2);
    if (!this.#isStopped) this.#startTimer(ms, () => void this.#test());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }

  async #test(): Promise<void> {
    const received = this.#received;
    // Without a reply nothing is known about the subscription.
    this.#startTimer(REPLY_MS, () => this.noteMessage());
    const replies = await this.#transport.execute([['PUBLISH', this.#channel(), '']]).catch(() => []);
    if (typeof replies[0] !== 'number' || this.#received !== received || this.#isStopped) return;
    this.#cancelTimer();
    const error = new Error('the subscription no longer receives messages');
    this.#startTimer(REPLY_MS, () => this.#onDead(error));
  }

  #startTimer(ms: number, callback: () => void): void {
    this.#cancelTimer = this.#clock.after(ms, callback);
  }

  get #clock(): Clock {
    return this.#transport.clock ?? systemClock;
  }
}
