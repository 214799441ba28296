// `npm run release:jsr`: the wasm entry and its transports as a package of JSR, checked by JSR's own tool, which is Deno's.
// Nothing is uploaded; `-- --publish` does that, in the release workflow.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { run } from './command.mjs';
import { packageFolder, root } from './paths.mjs';
import { installTools } from './runtime-projects.mjs';
import { runAsScript, step } from './script.mjs';

/** The folder of the package. */
const stage = join(root, '.cache/jsr');

/** Sources that only the native build, Node or a bundler needs. */
const nodeSources = ['cli', 'engine/addon', 'entry/otel', 'entry/frameworks', 'testing', 'index.ts'];

/** Writes the package: JSR takes the TypeScript sources, without the names that package.json gives to modules. */
function writePackage() {
  const { version, license } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const excludedPaths = nodeSources.map((path) => join(packageFolder, 'src', path));
  const isIncluded = (path) => !excludedPaths.includes(path) && !path.endsWith('.wasm');
  for (const name of ['src', 'wasm']) {
    cpSync(join(packageFolder, name), join(stage, name), { recursive: true, filter: isIncluded });
  }
  for (const name of ['LICENSE', 'README.md']) cpSync(join(root, name), join(stage, name));
  const manifest = {
    name: '@synced-memory/edge',
    version,
    license,
    exports: {
      '.': './src/entry/edge.ts',
      './transports/upstash': './src/transports/upstash.ts',
      './transports/memory': './src/transports/memory.ts',
    },
    imports: {
      '#core': './src/engine/wasm/load-inline.ts',
      '#in-process': './src/engine/wasm/in-process-inline.ts',
      '#memory': './src/transports/memory.ts',
    },
    // The sources name each other by the names of the compiled files.
    unstable: ['sloppy-imports'],
    publish: { include: ['LICENSE', 'README.md', 'deno.json', 'src', 'wasm'] },
  };
  writeFileSync(join(stage, 'deno.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

await runAsScript(import.meta.url, async () => {
  await build();
  const deno = join(installTools('tools'), 'node_modules/.bin/deno');
  writePackage();
  const dryRunOption = process.argv.includes('--publish') ? [] : ['--dry-run'];
  const settings = ['--config', join(stage, 'deno.json')];
  // The folder is no part of the repository: Git has nothing to say about it.
  run(deno, ['publish', '--allow-dirty', ...settings, ...dryRunOption]);
  step('JSR: the package passes');
});
