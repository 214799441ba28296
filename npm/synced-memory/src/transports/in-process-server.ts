import { type Clock, MAX_TIMER_MS, systemClock } from '../base/clock.js';
import type { Command, Listener, Reply, Transport } from '../engine/transport.js';
import { createInProcessServer } from '../engine/wasm/in-process-module.js';

/** A server in this process: as much of a Redis-compatible one as a memory needs. */
export class InProcessServer {
  /** The server of the wasm module, which holds the keys. */
  readonly #core: ReturnType<typeof createInProcessServer>;
  readonly #subscriptions = new Set<{ readonly channel: string; readonly listener: Listener }>();
  /** Milliseconds from 1970 to the start of the monotonic clock: the server's time counts from 1970, and never goes back. */
  readonly #epoch: number;
  /** The timer for the next document that expires, by the server's time. */
  #expiry: { readonly at: number; readonly cancel: () => void } | undefined;

  /** `loadModule` gives the wasm module for the first server of this JavaScript context. */
  constructor(
    loadModule: () => WebAssembly.Module,
    readonly clock: Clock = systemClock,
  ) {
    this.#core = createInProcessServer(loadModule);
    this.#epoch = clock.unix() - clock.monotonic();
  }

  /** A transport to this server. */
  transport(): Transport {
    return {
      clock: this.clock,
      execute: async (commands) => this.execute(commands),
      subscribe: async (channel, listener) => {
        const subscription = { channel, listener };
        this.#subscriptions.add(subscription);
        return () => void this.#subscriptions.delete(subscription);
      },
      notifiesAllWrites: true,
    };
  }

  /** Executes commands in order. The listeners have been called when it returns. */
  execute(commands: readonly Command[]): Reply[] {
    const replies = this.#core.execute(commands, this.#now());
    this.#notify();
    this.#setTimer();
    return replies;
  }

  #now(): number {
    return this.#epoch + this.clock.monotonic();
  }

  #notify(): void {
    for (const notification of this.#core.takeNotifications()) {
      for (const { channel, listener } of this.#subscriptions) {
        if ('changed' in notification) listener.changed(notification.changed);
        else if (notification.channel === channel) listener.message(notification.text);
      }
    }
  }

  #setTimer(): void {
    const at = this.#core.nextExpiry();
    if (at === this.#expiry?.at) return;
    this.#expiry?.cancel();
    this.#expiry = undefined;
    if (at === undefined) return;
    const ms = Math.min(at - this.#now(), MAX_TIMER_MS);
    this.#expiry = { at, cancel: this.clock.after(ms, () => this.#expire()) };
  }

  #expire(): void {
    this.#expiry = undefined;
    this.#core.expire(this.#now());
    this.#notify();
    this.#setTimer();
  }
}

/** The servers of this JavaScript context that have a name. */
const servers = new Map<string, InProcessServer>();

/** A transport to the server of this name, which exists from the first call on, or without a name to one of its own. */
export function inProcessTransport(loadModule: () => WebAssembly.Module, name: string | undefined): Transport {
  if (name === undefined) return new InProcessServer(loadModule).transport();
  const server = servers.get(name) ?? new InProcessServer(loadModule);
  servers.set(name, server);
  return server.transport();
}
