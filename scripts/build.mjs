// Everything between a clean clone and packages that run: tools, npm packages, addon, wasm, TypeScript, inspector.
// Leaves alone what is up to date.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from './addon.mjs';
import { run } from './command.mjs';
import { buildCommonJs } from './commonjs.mjs';
import { inspectorFolder, modifiedAt, packageFolder } from './paths.mjs';
import { runAsScript, step } from './script.mjs';
import { requireToolchain } from './toolchain.mjs';
import { buildWasm, wasmFolder } from './wasm.mjs';

export async function build() {
  requireToolchain();
  buildAddon();
  const modules = buildWasm();
  step(modules.length > 0 ? `wasm: ${modules.join(', ')}` : 'wasm: up to date');
  await buildTypeScript();
  buildInspector();
}

async function buildTypeScript() {
  const dist = join(packageFolder, 'dist');
  // The wasm modules are bundled into the CommonJS build, which is written last.
  const wasm = readdirSync(wasmFolder).map((name) => modifiedAt(join(wasmFolder, name)));
  const newest = Math.max(newestSource(packageFolder), ...wasm);
  if (modifiedAt(join(packageFolder, 'cjs/index.d.cts')) >= newest) return step('TypeScript: up to date');
  // A file that lost its source must not stay.
  if (existsSync(dist)) rmSync(dist, { recursive: true });
  run('npm', ['run', '--silent', 'build', '--workspace', 'synced-memory', '--', '--noEmitOnError']);
  await buildCommonJs();
  step('TypeScript: npm/synced-memory/dist and cjs');
}

function buildInspector() {
  const built = modifiedAt(join(inspectorFolder, 'dist/index.d.ts'));
  // Parts of the main package are bundled into it.
  const inputs = [join(inspectorFolder, 'build.mjs'), join(packageFolder, 'dist/index.js')].map(modifiedAt);
  if (built >= Math.max(newestSource(inspectorFolder), ...inputs)) return step('inspector: up to date');
  run('npm', ['run', '--silent', 'build', '--workspace', 'synced-memory-inspector']);
  step('inspector: npm/synced-memory-inspector/dist');
}

/** The time at which the sources of a package were last modified. */
function newestSource(folder) {
  const sources = readdirSync(join(folder, 'src'), { recursive: true }).map((name) => join('src', String(name)));
  // A folder is modified when a file in it comes or goes.
  const inputs = ['src', ...sources, 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
  return Math.max(...inputs.map((name) => modifiedAt(join(folder, name))));
}

await runAsScript(import.meta.url, build);
