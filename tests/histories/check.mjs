// `npm run check:histories`: runs processes under faults, and checks that what they did can be put in one order.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backends } from './backends.mjs';
import { operationSets } from './operations.mjs';
import { checkHistories } from './run.mjs';

const help = `npm run check:histories -- [options]
  --backend ${Object.keys(backends).join(' | ')} | all   (all)
  --seconds N      for each backend (60)
  --seed N         of operations and faults, not of their timing (random)
  --processes N    (4)
  --only ${operationSets.join(' | ')}   one set of operations, or several with commas (all)
  --server PATH    another server binary than redis-server`;

async function main() {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'all' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      processes: { type: 'string', default: '4' },
      only: { type: 'string' },
      server: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { backend, seconds, seed, processes, only, server } = values;
  const kinds = backend === 'all' ? Object.keys(backends) : [backend];
  const sets = /** @type {import('./operations.mjs').OperationSet[]} */ (only?.split(',') ?? [...operationSets]);
  const isKnown = kinds.every((kind) => kind in backends) && sets.every((set) => operationSets.includes(set));
  if (values.help || !isKnown) {
    console.log(help);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  if (server !== undefined) {
    if (!existsSync(server)) throw new Error(`${server} does not exist; --server takes the path of a binary`);
    process.env.SYNCED_MEMORY_TEST_SERVER = server;
  }
  for (const kind of kinds) {
    console.log(`\n${kind}: ${processes} processes, ${seconds} s, seed ${seed}, ${sets.join(' and ')}`);
    const options = { backend: kind, seconds: Number(seconds), seed: Number(seed), processes: Number(processes), sets };
    const { problems, ...counts } = await checkHistories(options);
    for (const [what, each] of Object.entries(counts)) console.log(`  ${what}: ${listed(each)}`);
    for (const problem of problems) console.log(problem);
    console.log(problems.length === 0 ? '  no anomaly' : `  ${problems.length} problems`);
    if (problems.length > 0) process.exitCode = 1;
  }
}

/** @param {Record<string, number>} counts */
function listed(counts) {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
