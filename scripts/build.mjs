// Everything between a clean clone and a package that runs: tools, npm packages, addon, wasm, TypeScript.
// Quick when nothing changed: what is up to date is left alone.
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { requireTool } from './debian.mjs';
import { addonName, builtLibrary, mainFolder } from './platforms.mjs';
import { Failure, output, root, run, runAsScript } from './run.mjs';
import { buildWasm } from './wasm.mjs';

export function build() {
  checkTools();
  installPackages();
  prepareToolchain();
  buildAddon();
  step(buildWasm() ? 'wasm: npm/synced-memory/wasm' : 'wasm: up to date');
  buildTypeScript();
}

function step(text) {
  console.log(`setup: ${text}`);
}

/** Milliseconds; 0 for a file that does not exist. */
function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function checkTools() {
  const node = process.versions.node;
  if (Number.parseInt(node, 10) < 20) throw new Failure(`Node ${node} is too old: install Node 20 or newer`);
  const rustup = output('rustup', ['--version']);
  if (rustup === undefined) throw new Failure('rustup is missing: install it (https://rustup.rs) and open a new shell');
  // Rust links with it, and SQLite, which the addon holds, is C.
  if (process.platform !== 'win32') requireTool('cc', ['gcc', 'libc6-dev']);
  step(`Node ${node}, ${rustup.split(' (')[0]}`);
}

function installPackages() {
  // npm writes this copy of the lock file as the last act of an installation.
  const installed = modified(join(root, 'node_modules/.package-lock.json'));
  if (installed > 0 && installed >= modified(join(root, 'package-lock.json'))) return step('npm packages: up to date');
  step('npm packages: npm ci');
  run('npm', ['ci', '--no-audit', '--no-fund'], { hint: 'is the npm registry reachable?' });
}

/** rust-toolchain.toml names channel, components and targets; rustup adds them by itself only where that is allowed. */
function prepareToolchain() {
  const file = readFileSync(join(root, 'rust-toolchain.toml'), 'utf8');
  const value = (key) => file.match(new RegExp(`^${key} = (.*)$`, 'm'))?.[1] ?? '';
  const strings = (key) => [...value(key).matchAll(/"(.*?)"/g)].map((match) => match[1] ?? '');
  const [components, targets] = [strings('components'), strings('targets')];
  const hint = 'is the network reachable?';

  const installedTargets = output('rustup', ['target', 'list', '--installed']);
  if (installedTargets === undefined) {
    const [channel] = strings('channel');
    step(`Rust: installing ${channel}`);
    const wanted = [...components.flatMap((c) => ['--component', c]), ...targets.flatMap((t) => ['--target', t])];
    run('rustup', ['toolchain', 'install', channel, '--profile', 'minimal', ...wanted], { hint });
    return;
  }
  const missingTargets = targets.filter((name) => !installedTargets.split('\n').includes(name));
  if (missingTargets.length > 0) run('rustup', ['target', 'add', ...missingTargets], { hint });
  const installedComponents = output('rustup', ['component', 'list', '--installed']) ?? '';
  const missingComponents = components.filter((name) => !installedComponents.includes(name));
  if (missingComponents.length > 0) run('rustup', ['component', 'add', ...missingComponents], { hint });
  step(`Rust: ${output('rustc', ['--version'])}, targets ${targets.join(', ')}`);
}

function buildAddon() {
  run('cargo', ['build', '--release', '-p', 'synced-memory-node'], { hint: 'an old Rust? rustup update stable' });
  const library = builtLibrary();
  const addon = join(mainFolder, addonName);
  if (modified(addon) >= modified(library)) return step('addon: up to date');
  // Renamed into place: a process that has the old one mapped must not see its bytes change.
  copyFileSync(library, `${addon}.new`);
  renameSync(`${addon}.new`, addon);
  step('addon: npm/synced-memory/synced-memory.node');
}

function buildTypeScript() {
  const dist = join(mainFolder, 'dist');
  const sources = readdirSync(join(mainFolder, 'src'), { recursive: true }).map((name) => join('src', String(name)));
  // A folder is modified when a file in it comes or goes.
  const inputs = ['src', ...sources, 'tsconfig.json', 'tsconfig.build.json'];
  const newest = Math.max(...inputs.map((name) => modified(join(mainFolder, name))));
  if (modified(join(dist, 'index.js')) >= newest) return step('TypeScript: up to date');
  // A file that lost its source must not stay.
  if (existsSync(dist)) rmSync(dist, { recursive: true });
  run('npm', ['run', '--silent', 'build', '--workspace', 'synced-memory', '--', '--noEmitOnError']);
  step('TypeScript: npm/synced-memory/dist');
}

await runAsScript(import.meta.url, build);
