import type { Memory } from '../index.js';

/** The data that a benchmark works on. */
export interface BenchState {
  list: number[];
  count: number;
  /** The number of commits that the other memory has seen. */
  seen: number;
  dict: { deep: { value: number } };
}

/** The outcome of one measurement. */
export interface Measurement {
  readonly name: string;
  /** The number of times that it ran. */
  readonly count: number;
  /** Microseconds: the median and the 99th percentile. */
  readonly p50: number;
  readonly p99: number;
}

/** The most mutations in a burst. */
const BURST = 1000;

/** The measurements, each of which runs for about so many milliseconds. */
export const measurements: readonly ((open: Opened, ms: number) => Promise<Measurement>)[] = [
  ({ mem }, ms) => repeat('round trip', ms, () => mem.$ttl('count')),
  ({ mem }, ms) =>
    repeat('commit', ms, () => {
      mem.dict.deep.value++;
      return mem.$flush();
    }),
  ({ mem }, ms) => repeat('increment', ms, () => mem.$increment('count')),
  ({ mem }, ms) =>
    repeat(
      'mutation in a burst',
      ms,
      () => {
        mem.list = [];
        for (let index = 1; index < BURST; index++) mem.list.push(index);
        return mem.$flush();
      },
      BURST,
    ),
  ({ mem, other }, ms) =>
    repeat('seen by another memory', ms, () => {
      const seen = new Promise<void>((resolve) => {
        const listener = () => {
          off();
          resolve();
        };
        const off = other.$on('change', listener, 'seen');
      });
      mem.seen++;
      return seen;
    }),
  ({ mem }, ms) =>
    repeat(
      'read',
      ms / 10,
      async () => {
        for (let index = 0; index < BURST; index++) void mem.dict.deep.value;
      },
      BURST,
    ),
];

interface Opened {
  readonly mem: Memory<BenchState>;
  /** Another memory with the same attributes. */
  readonly other: Memory<BenchState>;
}

/** Runs an action again and again. `parts` is the number of equal parts that one run has. */
async function repeat(name: string, ms: number, run: () => Promise<unknown>, parts = 1): Promise<Measurement> {
  // The first run pays for what later ones find ready.
  await run();
  const times: number[] = [];
  const end = performance.now() + ms;
  for (let began = performance.now(); began < end; ) {
    await run();
    const now = performance.now();
    times.push(((now - began) * 1000) / parts);
    began = now;
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
  return { name, count: times.length * parts, p50: at(0.5), p99: at(0.99) };
}
