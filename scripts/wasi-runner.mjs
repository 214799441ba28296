// Runs a wasm32-wasip1 test binary under Node's WASI: `node scripts/wasi-runner.mjs FILE.wasm ARGUMENTS…`, as cargo does.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';
import { root } from './paths.mjs';

const [file, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: 'preview1',
  args: [file, ...args],
  env: process.env,
  // Tests see this repository and nothing else of the machine.
  preopens: { '.': process.cwd(), [root]: root },
});
const module = await WebAssembly.compile(await readFile(file));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
