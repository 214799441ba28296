import type { Listener, Transport } from '../transport.js';
import { Pulse } from './pulse.js';

/** How often to look where looking costs next to nothing, in milliseconds. */
export const LOOK_EVERY = 1_000;

/** A connection that listens. */
export interface Line {
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  close(): void;
}

/** What a line tells. */
export interface LineEvents {
  message(channel: string, text: string): void;
  lost(error?: unknown): void;
}

/** One connection that listens for everybody who shares a transport: made for the first channel, closed with the last. */
export class Listeners {
  #line: Promise<Line> | undefined;
  readonly #channels = new Map<string, Set<Listener>>();
  #pulse: Pulse | undefined;
  readonly #open: (on: LineEvents) => Promise<Line>;
  readonly #commands: Pick<Transport, 'execute'>;

  constructor(open: (on: LineEvents) => Promise<Line>, commands: Pick<Transport, 'execute'>) {
    this.#open = open;
    this.#commands = commands;
  }

  async subscribe(channel: string, listener: Listener, signal?: AbortSignal): Promise<() => void> {
    this.#line ??= this.#begin();
    const current = this.#line;
    const listeners = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, listeners.add(listener));
    signal?.addEventListener('abort', () => this.#leave(channel, listener));
    try {
      const line = await current;
      await line.subscribe(channel);
      if (this.#line !== current) throw new Error('the connection that listens was lost');
      return () => this.#leave(channel, listener);
    } catch (error) {
      this.#leave(channel, listener);
      throw error;
    }
  }

  /** Nobody listens any more. */
  close(): void {
    this.#end();
  }

  #begin(): Promise<Line> {
    const lost = (error: unknown): void => {
      if (this.#line === line) for (const listener of this.#end()) listener.lost(error);
    };
    const line = this.#open({
      message: (channel, text) => {
        if (this.#line !== line) return;
        this.#pulse?.beat();
        for (const listener of this.#channels.get(channel) ?? []) listener.message(text);
      },
      lost,
    });
    const anyChannel = (): string => this.#channels.keys().next().value ?? '';
    this.#pulse = new Pulse(this.#commands, anyChannel, lost);
    line.catch(lost);
    return line;
  }

  #leave(channel: string, listener: Listener): void {
    const listeners = this.#channels.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#channels.delete(channel);
    if (this.#channels.size === 0) this.#end();
    else this.#line?.then((line) => line.unsubscribe(channel)).catch(() => {});
  }

  #end(): Listener[] {
    const listeners = [...this.#channels.values()].flatMap((those) => [...those]);
    this.#channels.clear();
    this.#pulse?.stop();
    this.#line?.then((line) => line.close()).catch(() => {});
    this.#line = undefined;
    return listeners;
  }
}
