import { loadModule } from '#in-process';
import { type Clock, systemClock } from '../base/clock.js';
import type { Command, Listener, Reply, Transport } from '../engine/transport.js';
import { InProcessServer } from '../transports/in-process-server.js';

/**
 * A failure of one request:
 * - `reject`: the request does not reach the server, and the transport rejects;
 * - `lose`: the server executes it, and the transport rejects;
 * - `hang`: the request does not reach the server, and the transport never settles;
 * - `drop`: the server executes it, and the transport never settles;
 * - `garble`: the server executes it, and the transport returns something that is not a reply;
 * - `{ delay }`: the server executes it, and its reply arrives after this many milliseconds.
 */
export type Fault = 'reject' | 'lose' | 'hang' | 'drop' | 'garble' | { delay: number };

/** Chooses the fault of a request; undefined for none. */
export type Faults = (commands: readonly Command[]) => Fault | undefined;

/** A server in this process, with faults on demand. */
export class TestServer {
  /** Chooses the fault of every request that {@link failNext} leaves alone. */
  faults: Faults = () => undefined;
  /** The number of requests so far, failed ones included. */
  requests = 0;
  readonly #server: InProcessServer;
  readonly #nextFaults: Fault[] = [];
  #isReachable = true;
  /** Ends the subscriptions, one function for each. */
  readonly #subscriptions = new Set<() => void>();

  constructor(readonly clock: Clock = systemClock) {
    this.#server = new InProcessServer(loadModule, clock);
  }

  /** A transport for one memory: `Memory.open({ transport: server.transport() })`. */
  transport(): Transport {
    const client = this.#server.transport();
    return {
      ...client,
      execute: (commands, signal) => this.#execute(client, commands, signal),
      subscribe: (channel, listener) => this.#subscribe(client, channel, listener),
    };
  }

  /** Gives the next requests these faults, one each. */
  failNext(...faults: Fault[]): void {
    this.#nextFaults.push(...faults);
  }

  /** Rejects every request from now on, and ends all subscriptions. */
  disconnect(): void {
    this.#isReachable = false;
    for (const end of [...this.#subscriptions]) end();
  }

  /** Executes requests again. */
  reconnect(): void {
    this.#isReachable = true;
  }

  /** Stores a document as the Python package does: without a delta message. */
  write(key: string, value: unknown): void {
    const revision = BigInt(this.clock.unix()) * 1_000_000n;
    this.writeText(key, `{"value": ${JSON.stringify(value)}, "last_modified": ${revision}}`);
  }

  /** Stores a text under a key. */
  writeText(key: string, text: string): void {
    this.#server.execute([['SET', key, text]]);
  }

  /** Deletes a key. */
  delete(key: string): void {
    this.#server.execute([['DEL', key]]);
  }

  /** The text under a key. */
  read(key: string): string | undefined {
    const [text] = this.#server.execute([['GET', key]]);
    return text instanceof Uint8Array ? new TextDecoder().decode(text) : undefined;
  }

  async #subscribe(client: Transport, channel: string, listener: Listener): Promise<() => void> {
    if (!this.#isReachable) throw new Error('the test server cannot be reached');
    const unsubscribe = await client.subscribe?.(channel, listener);
    const end = (): void => listener.lost();
    this.#subscriptions.add(end);
    return () => {
      this.#subscriptions.delete(end);
      unsubscribe?.();
    };
  }

  async #execute(client: Transport, commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
    this.requests++;
    const fault = this.#isReachable ? (this.#nextFaults.shift() ?? this.faults(commands)) : 'reject';
    if (fault === 'reject') throw new Error('the test server cannot be reached');
    if (fault === 'hang') return never();
    const replies = await client.execute(commands, signal);
    switch (fault) {
      case undefined:
        return replies;
      case 'lose':
        throw new Error('the connection to the test server was lost');
      case 'drop':
        return never();
      case 'garble':
        return replies.map(() => [[0]]);
      default:
        return new Promise((resolve) => this.clock.after(fault.delay, () => resolve(replies)));
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
