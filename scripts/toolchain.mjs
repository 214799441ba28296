// Makes sure that the tools are there which build the package: Node, rustup, a C compiler, npm packages, the Rust toolchain.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, run } from './command.mjs';
import { modifiedAt, root } from './paths.mjs';
import { Failure, runAsScript, step } from './script.mjs';
import { requireTool } from './system-packages.mjs';

export function requireToolchain() {
  checkTools();
  installPackages();
  installRust();
}

function checkTools() {
  const node = process.versions.node;
  if (Number.parseInt(node, 10) < 20) throw new Failure(`Node ${node} is too old: install Node 20 or newer`);
  const rustup = output('rustup', ['--version']);
  if (rustup === undefined) throw new Failure('rustup is missing: install it (https://rustup.rs) and open a new shell');
  // Rust links with it, and it compiles SQLite, which is part of the addon.
  if (process.platform !== 'win32')
    requireTool('cc', { debian: ['gcc', 'libc6-dev'], macos: 'xcode-select --install' });
  step(`Node ${node}, ${rustup.split(' (')[0]}`);
}

function installPackages() {
  // npm writes this copy of the lock file as the last act of an installation.
  const installed = modifiedAt(join(root, 'node_modules/.package-lock.json'));
  if (installed > 0 && installed >= modifiedAt(join(root, 'package-lock.json')))
    return step('npm packages: up to date');
  step('npm packages: npm ci');
  run('npm', ['ci', '--no-audit', '--no-fund'], { hint: 'is the npm registry reachable?' });
}

/**
 * Installs the channel, components and targets that rust-toolchain.toml names; rustup does so by itself only where that is
 * enabled. RUSTUP_TOOLCHAIN names another channel, as it does for rustup.
 */
function installRust() {
  const file = readFileSync(join(root, 'rust-toolchain.toml'), 'utf8');
  const value = (key) => file.match(new RegExp(`^${key} = (.*)$`, 'm'))?.[1] ?? '';
  const strings = (key) => [...value(key).matchAll(/"(.*?)"/g)].map((match) => match[1] ?? '');
  const [components, targets] = [strings('components'), strings('targets')];
  const channel = process.env.RUSTUP_TOOLCHAIN ?? strings('channel')[0];
  const hint = 'is the network reachable?';

  const installedTargets = output('rustup', ['target', 'list', '--installed']);
  if (installedTargets === undefined) {
    step(`Rust: installing ${channel}`);
    const wanted = [...components.flatMap((c) => ['--component', c]), ...targets.flatMap((t) => ['--target', t])];
    run('rustup', ['toolchain', 'install', channel, '--profile', 'minimal', ...wanted], { hint });
    return;
  }
  const missingTargets = targets.filter((name) => !installedTargets.split(/\s+/).includes(name));
  if (missingTargets.length > 0) run('rustup', ['target', 'add', ...missingTargets], { hint });
  const installedComponents = output('rustup', ['component', 'list', '--installed']) ?? '';
  const missingComponents = components.filter((name) => !installedComponents.includes(name));
  if (missingComponents.length > 0) run('rustup', ['component', 'add', ...missingComponents], { hint });
  step(`Rust: ${output('rustc', ['--version'])}, targets ${targets.join(', ')}`);
}

await runAsScript(import.meta.url, requireToolchain);
