import { systemClock } from '../clock.js';
import type { Listener, Transport } from '../transport.js';

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
  private line: Promise<Line> | undefined;
  private readonly channels = new Map<string, Set<Listener>>();
  private pulse: Pulse | undefined;

  constructor(
    private readonly open: (on: LineEvents) => Promise<Line>,
    private readonly commands: Pick<Transport, 'execute'>,
  ) {}

  async subscribe(channel: string, listener: Listener, signal?: AbortSignal): Promise<() => void> {
    this.line ??= this.begin();
    const current = this.line;
    const listeners = this.channels.get(channel) ?? new Set();
    this.channels.set(channel, listeners.add(listener));
    signal?.addEventListener('abort', () => this.leave(channel, listener));
    try {
      const line = await current;
      await line.subscribe(channel);
      if (this.line !== current) throw new Error('the connection that listens was lost');
      return () => this.leave(channel, listener);
    } catch (error) {
      this.leave(channel, listener);
      throw error;
    }
  }

  /** Nobody listens any more. */
  close(): void {
    this.end();
  }

  private begin(): Promise<Line> {
    const lost = (error: unknown): void => {
      if (this.line === line) for (const listener of this.end()) listener.lost(error);
    };
    const line = this.open({
      message: (channel, text) => {
        if (this.line !== line) return;
        this.pulse?.beat();
        for (const listener of this.channels.get(channel) ?? []) listener.message(text);
      },
      lost,
    });
    const anyChannel = (): string => this.channels.keys().next().value ?? '';
    this.pulse = new Pulse(this.commands, anyChannel, lost);
    line.catch(lost);
    return line;
  }

  private leave(channel: string, listener: Listener): void {
    const listeners = this.channels.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.channels.delete(channel);
    if (this.channels.size === 0) this.end();
    else this.line?.then((line) => line.unsubscribe(channel)).catch(() => {});
  }

  private end(): Listener[] {
    const listeners = [...this.channels.values()].flatMap((those) => [...those]);
    this.channels.clear();
    this.pulse?.stop();
    this.line?.then((line) => line.close()).catch(() => {});
    this.line = undefined;
    return listeners;
  }
}

/** After so many milliseconds of silence a connection is asked for a sign of life, and it has so many to give it. */
const SILENCE = 60_000;
const PATIENCE = 20_000;

/** Finds out that a connection which listens has died without a word: what is published comes back over it, or not. */
export class Pulse {
  private beats = 0;
  private stopped = false;
  private cancel = (): void => {};

  constructor(
    private readonly commands: Pick<Transport, 'execute'>,
    private readonly channel: () => string,
    private readonly dead: (error: Error) => void,
  ) {
    this.beat();
  }

  /** Something has come. */
  beat(): void {
    this.beats++;
    this.cancel();
    // Those who listen to the same channel need not ask all at once: they hear what the first one publishes.
    const wait = SILENCE * (1 + systemClock.random() / 2);
    if (!this.stopped) this.cancel = systemClock.after(wait, () => void this.ask());
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** An empty message tells a memory nothing. */
  private async ask(): Promise<void> {
    const { beats } = this;
    // Where it cannot be published, nothing is known.
    this.cancel = systemClock.after(PATIENCE, () => this.beat());
    const replies = await this.commands.execute([['PUBLISH', this.channel(), '']]).catch(() => []);
    if (typeof replies[0] !== 'number' || this.beats !== beats || this.stopped) return;
    this.cancel();
    const error = new Error('the connection that listens has gone silent');
    this.cancel = systemClock.after(PATIENCE, () => this.dead(error));
  }
}
