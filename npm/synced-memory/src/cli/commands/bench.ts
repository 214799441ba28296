import { randomUUID } from 'node:crypto';
import { type BenchState, type Measurement, measurements } from '../bench-measurements.js';
import type { Command } from '../command.js';
import { usageError } from '../failure.js';
import { clearProgress, print, progress } from '../terminal.js';
import { withMemory } from '../with-memory.js';

/** Measures this library on the user's own server. */
export const bench: Command = {
  name: 'bench',
  usage: '',
  arity: [0, 0],
  summary: 'measure your server for a few seconds',
  options: { seconds: { type: 'string', value: 'N', summary: 'about how long it runs (5)' } },
  details: [
    'Measures, one after the other: a round trip (one command), a commit, an',
    'increment, mutations in a burst, how soon another memory sees a commit, and a',
    'local read. Prints microseconds, and ratios to the round trip, which hold on',
    'other machines, too. Works in a scope of its own, and empties it at the end.',
  ],

  async run(invocation) {
    const seconds = Number(invocation.options.seconds ?? 5);
    if (!(seconds > 0)) throw usageError(`--seconds ${invocation.options.seconds}: write a number above 0`);
    return withMemory(invocation, { names: [], isWriter: true }, async ({ mem: parent }) => {
      const scope = `bench-${randomUUID()}`;
      const defaults: BenchState = { list: [], count: 0, seen: 0, dict: { deep: { value: 0 } } };
      const mem = await parent.$scope<BenchState>(scope, { defaults });
      const other = await parent.$scope<BenchState>(scope, { defaults });
      try {
        await mem.$flush();
        const results: Measurement[] = [];
        for (const [index, measure] of measurements.entries()) {
          progress(`measuring ${index + 1} of ${measurements.length} …`);
          results.push(await measure({ mem, other }, (seconds * 1000) / measurements.length));
        }
        clearProgress();
        report(results, invocation.options.json === true);
      } finally {
        await other.$close();
        for (const name of Object.keys(defaults)) delete (mem as Partial<BenchState>)[name as keyof BenchState];
        await mem.$close();
      }
      return undefined;
    });
  },
};

function report(results: readonly Measurement[], isJson: boolean): void {
  const roundTrip = results[0]?.p50 ?? Number.NaN;
  const rows = results.map((result) => ({ ...result, ratio: result.p50 / roundTrip }));
  if (isJson) {
    print(JSON.stringify(rows));
    return;
  }
  print(
    `${''.padEnd(22)} ${'p50 µs'.padStart(10)} ${'p99 µs'.padStart(10)} ${'ratio'.padStart(8)} ${'runs'.padStart(9)}`,
  );
  for (const { name, p50, p99, ratio, count } of rows) {
    const numbers = [p50, p99].map((micros) => micros.toFixed(micros < 10 ? 2 : 0).padStart(10));
    print(`${name.padEnd(22)} ${numbers.join(' ')} ${ratio.toPrecision(2).padStart(8)} ${String(count).padStart(9)}`);
  }
}
