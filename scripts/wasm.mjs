// The wasm build: crates/wasm, its JavaScript side by wasm-bindgen, made small by binaryen.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, root, run, runAsScript } from './run.mjs';

/** What is shipped: `core.js` calls the wasm, `core.wasm` is it, and `bytes.js` has it as text. */
export const wasmFolder = join(root, 'npm/synced-memory/wasm');

/** Builds what is out of date. Gives false where nothing was. */
export function buildWasm() {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  compile();
  const linked = join(target, 'wasm32-unknown-unknown/wasm/synced_memory_wasm.wasm');
  const bytes = readFileSync(linked);
  const seen = join(wasmFolder, '.linked.wasm');
  if (existsSync(seen) && bytes.equals(readFileSync(seen))) return false;

  const glueTarget = join(target, 'wasm-glue');
  const manifest = join(root, 'scripts/wasm-glue/Cargo.toml');
  run('cargo', ['build', '--locked', '--manifest-path', manifest, '--target-dir', glueTarget]);
  rmSync(wasmFolder, { recursive: true, force: true });
  mkdirSync(wasmFolder, { recursive: true });
  run(join(glueTarget, 'debug/wasm-glue'), [linked, wasmFolder]);
  const file = (name) => join(wasmFolder, name);
  // The functions and what they import, without the entry that some bundlers can load and some cannot.
  rmSync(file('core.js'));
  renameSync(file('core_bg.js'), file('core.js'));
  rmSync(file('core_bg.wasm.d.ts'));
  optimize(file('core_bg.wasm'), file('core.wasm'));
  renameSync(file('core_bg.wasm'), file('.named.wasm'));
  const text = readFileSync(file('core.wasm')).toString('base64');
  writeFileSync(file('bytes.js'), `export const base64 =\n  '${text}';\n`);
  writeFileSync(file('bytes.d.ts'), 'export declare const base64: string;\n');
  writeFileSync(seen, bytes);
  return true;
}

/**
 * Compiles with a standard library of its own, made for size and without what a panic would say, which nobody hears at the
 * edge: an eighth smaller. The compiler's stable release can do it, but does not promise it: without, the build is larger.
 */
function compile() {
  const args = ['build', '--profile', 'wasm', '--target', 'wasm32-unknown-unknown', '-p', 'synced-memory-wasm'];
  const env = {
    ...process.env,
    RUSTC_BOOTSTRAP: '1',
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: '-Zunstable-options -Cpanic=immediate-abort',
  };
  const own = ['-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size'];
  try {
    run('cargo', [...args, ...own], { env });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.warn('warning: this toolchain cannot build a standard library of its own; the wasm will be larger');
    run('cargo', args);
  }
}

/** The module that is shipped, with the names of its functions: to see what takes the space. */
export function namedWasm() {
  const named = join(root, '.cache/named.wasm');
  optimize(join(wasmFolder, '.named.wasm'), named, '-g');
  return named;
}

function optimize(from, to, ...options) {
  const optimizer = join(root, 'node_modules/binaryen/bin/wasm-opt');
  run(process.execPath, [
    optimizer,
    '-Oz',
    '--converge',
    '--strip-producers',
    '--strip-target-features',
    ...options,
    from,
    '-o',
    to,
  ]);
}

await runAsScript(import.meta.url, () => {
  buildWasm();
});
