import type { Listener, Transport } from '../engine/transport.js';
import { Heartbeat } from './heartbeat.js';

/** Interval at which memories poll over a connection where that costs almost nothing, in milliseconds. */
export const POLL_INTERVAL_MS = 1_000;

/** A connection for subscriptions. */
export interface SubscriberConnection {
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  close(): void;
}

/** Receives what arrives on a connection for subscriptions. */
export interface SubscriberEvents {
  message(channel: string, text: string): void;
  /** The connection has ended. Further calls are ignored. */
  lost(error?: unknown): void;
}

/**
 * One connection for the subscriptions of all memories on a transport. It is opened for the first subscription and closed after
 * the last.
 */
export class SharedSubscriber {
  #connection: Promise<SubscriberConnection> | undefined;
  #heartbeat: Heartbeat | undefined;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #connect: (events: SubscriberEvents) => Promise<SubscriberConnection>;
  readonly #transport: Pick<Transport, 'execute' | 'clock'>;

  /** `connect` opens a connection. `transport` publishes the messages by which the connection is tested. */
  constructor(
    connect: (events: SubscriberEvents) => Promise<SubscriberConnection>,
    transport: Pick<Transport, 'execute' | 'clock'>,
  ) {
    this.#connect = connect;
    this.#transport = transport;
  }

  /** See `Transport.subscribe`. */
  async subscribe(channel: string, listener: Listener, signal?: AbortSignal): Promise<() => void> {
    this.#connection ??= this.#open();
    const current = this.#connection;
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    signal?.addEventListener('abort', () => this.#unsubscribe(channel, listener));
    try {
      const connection = await current;
      await connection.subscribe(channel);
      if (this.#connection !== current) throw new Error('the connection for subscriptions was lost');
      return () => this.#unsubscribe(channel, listener);
    } catch (error) {
      this.#unsubscribe(channel, listener);
      throw error;
    }
  }

  /** Ends all subscriptions without calling their listeners. */
  close(): void {
    this.#end();
  }

  #open(): Promise<SubscriberConnection> {
    const lost = (error: unknown): void => {
      if (this.#connection === connection) for (const listener of this.#end()) listener.lost(error);
    };
    const connection = this.#connect({
      message: (channel, text) => {
        if (this.#connection !== connection) return;
        this.#heartbeat?.noteMessage();
        for (const listener of this.#listeners.get(channel) ?? []) listener.message(text);
      },
      lost,
    });
    const anyChannel = (): string => this.#listeners.keys().next().value ?? '';
    this.#heartbeat = new Heartbeat(this.#transport, anyChannel, lost);
    connection.catch(lost);
    return connection;
  }

  #unsubscribe(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(channel);
    if (this.#listeners.size === 0) this.#end();
    else this.#connection?.then((connection) => connection.unsubscribe(channel)).catch(() => {});
  }

  /** Closes the connection. Returns the listeners of its subscriptions. */
  #end(): Listener[] {
    const listeners = [...this.#listeners.values()].flatMap((set) => [...set]);
    this.#listeners.clear();
    this.#heartbeat?.stop();
    this.#connection?.then((connection) => connection.close()).catch(() => {});
    this.#connection = undefined;
    return listeners;
  }
}
