// `npm run soak:edge`: runs the tests of the edge build with more seeds and cycles than `npm test` has time for.
import { join } from 'node:path';
import { run } from './command.mjs';
import { root } from './paths.mjs';
import { runAsScript } from './script.mjs';
import { setup } from './setup.mjs';

await runAsScript(import.meta.url, async () => {
  await setup();
  const env = { SYNCED_MEMORY_SEEDS: '200', SYNCED_MEMORY_CYCLES: '10000', ...process.env };
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  run(process.execPath, [program, 'run', '--root', join(root, 'tests'), 'edge/'], { env });
});
