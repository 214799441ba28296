import { systemClock } from '../clock.js';
import type { Transport } from '../transport.js';

/** After so many milliseconds of silence a connection is asked for a sign of life, and it has so many to give it. */
const SILENCE = 60_000;
const PATIENCE = 20_000;

/** Finds out that a connection which listens has died without a word: what is published comes back over it, or not. */
export class Pulse {
  #beats = 0;
  #stopped = false;
  #cancel = (): void => {};
  readonly #commands: Pick<Transport, 'execute'>;
  readonly #channel: () => string;
  readonly #dead: (error: Error) => void;

  constructor(commands: Pick<Transport, 'execute'>, channel: () => string, dead: (error: Error) => void) {
    this.#commands = commands;
    this.#channel = channel;
    this.#dead = dead;
    this.beat();
  }

  /** Something has come. */
  beat(): void {
    this.#beats++;
    this.#cancel();
    // Those who listen to the same channel need not ask all at once: they hear what the first one publishes.
    const wait = SILENCE * (1 + systemClock.random() / 2);
    if (!this.#stopped) this.#cancel = systemClock.after(wait, () => void this.#ask());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** An empty message tells a memory nothing. */
  async #ask(): Promise<void> {
    const beats = this.#beats;
    // Where it cannot be published, nothing is known.
    this.#cancel = systemClock.after(PATIENCE, () => this.beat());
    const replies = await this.#commands.execute([['PUBLISH', this.#channel(), '']]).catch(() => []);
    if (typeof replies[0] !== 'number' || this.#beats !== beats || this.#stopped) return;
    this.#cancel();
    const error = new Error('the connection that listens has gone silent');
    this.#cancel = systemClock.after(PATIENCE, () => this.#dead(error));
  }
}
