import type { RatePoint } from '../protocol.js';

/** Seconds that the plots show. */
const SECONDS = 180;
/** The most latencies that one second keeps. */
const MAX_LATENCIES = 2000;

type Counter = 'commits' | 'local' | 'remote' | 'conflicts' | 'bytes';

/** Counts events by the second, and measures how long commits take. */
export class Rates {
  #points: RatePoint[] = [];
  #second = 0;
  readonly #counts: Record<Counter, number> = { commits: 0, local: 0, remote: 0, conflicts: 0, bytes: 0 };
  #latencies: number[] = [];
  /** When the oldest mutation that is not acknowledged was made, by attribute. */
  readonly #pendingSince = new Map<string, number>();

  count(counter: Counter, times = 1): void {
    this.#counts[counter] += times;
  }

  mutated(name: string): void {
    if (!this.#pendingSince.has(name)) this.#pendingSince.set(name, performance.now());
  }

  acknowledged(name: string): void {
    this.#counts.commits++;
    const since = this.#pendingSince.get(name);
    this.#pendingSince.delete(name);
    if (since !== undefined && this.#latencies.length < MAX_LATENCIES) this.#latencies.push(performance.now() - since);
  }

  /** Ends the second. Returns its point; undefined where nothing happened. */
  endSecond(): RatePoint | undefined {
    const second = Math.floor(Date.now() / 1000);
    const isEmpty = Object.values(this.#counts).every((count) => count === 0);
    if (second === this.#second || isEmpty) return undefined;
    this.#second = second;
    const point: RatePoint = { second, ...this.#counts, ...percentiles(this.#latencies) };
    for (const counter of Object.keys(this.#counts) as Counter[]) this.#counts[counter] = 0;
    this.#latencies = [];
    this.#points = [...this.#points, point].filter((each) => each.second > second - SECONDS);
    return point;
  }

  get points(): readonly RatePoint[] {
    return this.#points;
  }
}

function percentiles(latencies: readonly number[]): { p50?: number; p99?: number } {
  if (latencies.length === 0) return {};
  const sorted = [...latencies].sort((one, other) => one - other);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number;
  return { p50: at(0.5), p99: at(0.99) };
}
