// `npm run size`: prints the sizes of the addon, the wasm core, the edge build's JavaScript and the React hooks, and fails above a limit.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'vite';
import { builtAddon } from './addon.mjs';
import { build } from './build.mjs';
import { root } from './paths.mjs';
import { Failure, runAsScript } from './script.mjs';
import { namedWasm, wasmFolder } from './wasm.mjs';
import { functionSizes } from './wasm-functions.mjs';

const KB = 1024;
/**
 * The most bytes of the addon, uncompressed, and of the rest after gzip -9. The JavaScript has telemetry in it, which a build for
 * browsers cannot leave out, because it loads `node:diagnostics_channel` at run time. Histories are 6 KB of the
 * wasm core, a part of them Lua, and 1 KB of the JavaScript.
 */
const limits = { addon: 6_300 * KB, wasm: 220 * KB, JavaScript: 37 * KB, React: 2 * KB };

async function main() {
  await build();
  const addon = statSync(builtAddon).size;
  const wasm = readFileSync(join(wasmFolder, 'core.wasm'));
  const chunks = await bundleEntry('edge.js');
  const hooks = await bundleEntry('frameworks/react.js');
  const sizes = {
    addon,
    wasm: gzippedSize(wasm),
    JavaScript: sum(chunks.map(gzippedSize)),
    React: sum(hooks.map(gzippedSize)),
  };

  console.log(`addon: ${kilobytes(addon)}`);
  console.log(`wasm: ${kilobytes(wasm.length)}, gzipped ${kilobytes(sizes.wasm)}`);
  printFunctions(functionSizes(readFileSync(namedWasm('core'))));
  console.log(
    `JavaScript: ${kilobytes(sum(chunks.map(({ length }) => length)))}, gzipped ${kilobytes(sizes.JavaScript)}`,
  );
  console.log(`React: ${kilobytes(sum(hooks.map(({ length }) => length)))}, gzipped ${kilobytes(sizes.React)}`);

  const exceeded = Object.entries(sizes).filter(([name, size]) => size > limits[name]);
  if (exceeded.length === 0) return;
  throw new Failure(
    exceeded.map(([name, size]) => `${name} has ${size} bytes, the limit is ${limits[name]}`).join('; '),
  );
}

/** Prints the size of each crate or module of the core, and the largest functions. */
function printFunctions(functions) {
  const named = functions.map(({ name, size }) => ({ name: withoutHashes(name), size }));
  const parts = new Map();
  for (const { name, size } of named) parts.set(partOf(name), (parts.get(partOf(name)) ?? 0) + size);
  const print = ([name, size]) => console.log(`  ${kilobytes(size).padStart(9)}  ${name.slice(0, 90)}`);
  [...parts].sort((a, b) => b[1] - a[1]).forEach(print);
  console.log('  the largest functions:');
  const largest = named.sort((a, b) => b.size - a.size).slice(0, 12);
  largest.map(({ name, size }) => [name, size]).forEach(print);
}

/** Mangled names carry the hash of their crate: `synced_memory_core[1f0c…]::session`. */
function withoutHashes(name) {
  return name.replace(/\[[0-9a-f]+\]/g, '');
}

/** The module of the core, or else the crate, that a function belongs to. */
function partOf(name) {
  const moduleOfCore = name.match(/^[^:]*\b(synced_memory_core::\w+)/)?.[1];
  const crate = name.match(
    /serde_wasm_bindgen|serde_json|wasm_bindgen|js_sys|compact_str|talc|\b(core|alloc|std)(?=::)/,
  );
  return moduleOfCore ?? crate?.[0] ?? 'other';
}

/** The minified chunks that an entry loads at its start, without the bytes of the wasm module and without React. */
async function bundleEntry(name) {
  const { output } = await bundle({
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      // A build for pages would have Vite's own loader around every import().
      ssr: join(root, 'npm/synced-memory/dist/entry', name),
      rolldownOptions: { external: [/-bytes\.js$/, 'react'], preserveEntrySignatures: 'strict' },
    },
  });
  const chunk = (name) => output.find(({ fileName }) => fileName === name);
  const needed = new Set([output.find(({ isEntry }) => isEntry).fileName]);
  for (const name of needed) for (const imported of chunk(name)?.imports ?? []) needed.add(imported);
  return [...needed].flatMap((name) => chunk(name)?.code ?? []);
}

function gzippedSize(bytes) {
  return gzipSync(bytes, { level: 9 }).length;
}

function kilobytes(bytes) {
  return `${(bytes / KB).toFixed(1)} KB`;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

await runAsScript(import.meta.url, main);
