// Everything between a clean clone and a package that runs: tools, npm packages, addon, wasm, TypeScript.
// Leaves alone what is up to date.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from './addon.mjs';
import { run } from './command.mjs';
import { modifiedAt, packageFolder } from './paths.mjs';
import { runAsScript, step } from './script.mjs';
import { requireToolchain } from './toolchain.mjs';
import { buildWasm } from './wasm.mjs';

export function build() {
  requireToolchain();
  buildAddon();
  const modules = buildWasm();
  step(modules.length > 0 ? `wasm: ${modules.join(', ')}` : 'wasm: up to date');
  buildTypeScript();
}

function buildTypeScript() {
  const dist = join(packageFolder, 'dist');
  const sources = readdirSync(join(packageFolder, 'src'), { recursive: true }).map((name) => join('src', String(name)));
  // A folder is modified when a file in it comes or goes.
  const inputs = ['src', ...sources, 'tsconfig.json', 'tsconfig.build.json'];
  const newest = Math.max(...inputs.map((name) => modifiedAt(join(packageFolder, name))));
  if (modifiedAt(join(dist, 'index.js')) >= newest) return step('TypeScript: up to date');
  // A file that lost its source must not stay.
  if (existsSync(dist)) rmSync(dist, { recursive: true });
  run('npm', ['run', '--silent', 'build', '--workspace', 'synced-memory', '--', '--noEmitOnError']);
  step('TypeScript: npm/synced-memory/dist');
}

await runAsScript(import.meta.url, build);
