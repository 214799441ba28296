// Builds the wasm modules: cargo compiles the crate, wasm-bindgen generates the JavaScript glue, binaryen optimizes for size.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { output, run } from './command.mjs';
import { root, targetFolder } from './paths.mjs';
import { runAsScript } from './script.mjs';

/**
 * The files that are shipped. A module `core` is four of them: `core.wasm`, its glue `core.js` with the types `core.d.ts`, and
 * `core-bytes.js`, which holds the module as base64 text.
 */
export const wasmFolder = join(root, 'npm/synced-memory/wasm');

/** Each wasm module: the name of its files, and the crate that it is built from. */
const modules = [
  { name: 'core', crate: 'synced-memory-wasm' },
  { name: 'in-process', crate: 'synced-memory-in-process-wasm' },
];

const glueManifest = join(root, 'scripts/wasm-glue/Cargo.toml');
const glueTarget = join(targetFolder, 'wasm-glue');

/** Builds the modules that are out of date and returns their names. */
export function buildWasm() {
  run('cargo', ['build', '--locked', '--manifest-path', glueManifest, '--target-dir', glueTarget]);
  return modules.filter(buildModule).map(({ name }) => name);
}

/** Returns false where the module is up to date. */
function buildModule({ name, crate }) {
  compile(crate);
  const linked = join(targetFolder, 'wasm32-unknown-unknown/wasm', `${crate.replaceAll('-', '_')}.wasm`);
  const work = workFolder(name);
  const stamp = join(work, 'inputs.sha256');
  const inputs = digest([linked, fileURLToPath(import.meta.url), join(root, 'scripts/wasm-glue/src/main.rs')]);
  const shipped = (suffix) => join(wasmFolder, `${name}${suffix}`);
  const isBuilt = existsSync(shipped('.wasm')) && existsSync(stamp);
  if (isBuilt && readFileSync(stamp, 'utf8') === inputs) return false;

  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  mkdirSync(wasmFolder, { recursive: true });
  run(join(glueTarget, 'debug/wasm-glue'), [linked, work, name]);
  optimize(join(work, `${name}_bg.wasm`), shipped('.wasm'));
  // The generated entry imports the .wasm file itself, which only some bundlers can do. `_bg.js` leaves that to its caller.
  copyFileSync(join(work, `${name}_bg.js`), shipped('.js'));
  copyFileSync(join(work, `${name}.d.ts`), shipped('.d.ts'));
  const base64 = readFileSync(shipped('.wasm')).toString('base64');
  writeFileSync(shipped('-bytes.js'), `export const base64 =\n  '${base64}';\n`);
  writeFileSync(shipped('-bytes.d.ts'), 'export declare const base64: string;\n');
  writeFileSync(stamp, inputs);
  return true;
}

function compile(crate) {
  // Panic messages name source files. Without this they would name folders of the machine that built the module.
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const sysroot = output('rustc', ['--print', 'sysroot']) ?? '';
  const flags = [
    `--remap-path-prefix=${join(cargoHome, 'registry/src')}=registry`,
    `--remap-path-prefix=${join(sysroot, 'lib/rustlib/src/rust')}=rust`,
  ];
  const config = `target.wasm32-unknown-unknown.rustflags=${JSON.stringify(flags)}`;
  run('cargo', ['build', '--config', config, '--profile', 'wasm', '--target', 'wasm32-unknown-unknown', '-p', crate]);
}

/** The folder for what is generated on the way to a module's shipped files. */
function workFolder(name) {
  return join(targetFolder, 'wasm-modules', name);
}

function digest(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}

/** Writes the module as it is shipped but with the names of its functions, and returns the path of that file. */
export function namedWasm(name) {
  const work = workFolder(name);
  const named = join(work, 'named.wasm');
  optimize(join(work, `${name}_bg.wasm`), named, '-g');
  return named;
}

function optimize(from, to, ...options) {
  const optimizer = join(root, 'node_modules/binaryen/bin/wasm-opt');
  const flags = ['-Oz', '--converge', '--strip-producers', '--strip-target-features', ...options];
  run(process.execPath, [optimizer, ...flags, from, '-o', `${to}.new`]);
  renameSync(`${to}.new`, to);
}

await runAsScript(import.meta.url, () => {
  buildWasm();
});
