import { type Clock, systemClock } from '../clock.js';
import type { Command, Listener, Reply, Transport } from '../transport.js';
import { fromBytes, InProcessServer, toBytes } from '../transports/server.js';

/**
 * What goes wrong with one request:
 * - `reject`: the server never sees it, and the transport says so;
 * - `lose`: it is carried out, but the transport says that it failed;
 * - `hang`: the server never sees it, and nobody hears of it again;
 * - `drop`: it is carried out, but the reply never comes;
 * - `garble`: it is carried out, but what comes back is no reply;
 * - `{ delay }`: the reply comes so many milliseconds later.
 */
export type Fault = 'reject' | 'lose' | 'hang' | 'drop' | 'garble' | { delay: number };

/** Decides about a request; undefined: nothing goes wrong. */
export type Faults = (commands: readonly Command[]) => Fault | undefined;

/** A server in this process, for tests: no port, and things go wrong when they should. */
export class TestServer {
  /** Decides about every request for which {@link failNext} has not. */
  faults: Faults = () => undefined;
  /** How many requests have come. */
  requests = 0;
  readonly #server: InProcessServer;
  readonly #next: Fault[] = [];
  #reachable = true;
  readonly #connected = new Set<() => void>();

  constructor(readonly clock: Clock = systemClock) {
    this.#server = new InProcessServer(clock);
  }

  /** What to open a memory with: `Memory.open({ transport: server.transport() })`. Each memory has its own. */
  transport(): Transport {
    const client = this.#server.client();
    return {
      ...client,
      execute: (commands, signal) => this.#carry(client, commands, signal),
      subscribe: (channel, listener) => this.#listen(client, channel, listener),
    };
  }

  /** The next requests go wrong like this, one after another. */
  failNext(...faults: Fault[]): void {
    this.#next.push(...faults);
  }

  /** Every request is rejected from now on, and nothing is told. */
  disconnect(): void {
    this.#reachable = false;
    for (const lost of [...this.#connected]) lost();
  }

  /** Requests are carried out again. */
  reconnect(): void {
    this.#reachable = true;
  }

  /** Writes a document as the Python package does, which tells nobody what it changed. */
  write(key: string, value: unknown): void {
    const revision = BigInt(this.clock.unix()) * 1_000_000n;
    this.writeText(key, `{"value": ${JSON.stringify(value)}, "last_modified": ${revision}}`);
  }

  /** Stores any text. */
  writeText(key: string, text: string): void {
    this.#server.write(toBytes(key), toBytes(text));
    this.#server.announce(toBytes(key));
  }

  /** Deletes a key. */
  delete(key: string): void {
    if (this.#server.delete(toBytes(key))) this.#server.announce(toBytes(key));
  }

  /** What is stored under a key. */
  read(key: string): string | undefined {
    const bytes = this.#server.read(toBytes(key));
    return bytes === undefined ? undefined : new TextDecoder().decode(fromBytes(bytes));
  }

  async #listen(client: Transport, channel: string, listener: Listener): Promise<() => void> {
    if (!this.#reachable) throw new Error('the test server cannot be reached');
    const leave = await client.subscribe?.(channel, listener);
    const lost = (): void => listener.lost();
    this.#connected.add(lost);
    return () => {
      this.#connected.delete(lost);
      leave?.();
    };
  }

  async #carry(client: Transport, commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
    this.requests++;
    const fault = this.#reachable ? (this.#next.shift() ?? this.faults(commands)) : 'reject';
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
