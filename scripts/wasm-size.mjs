// `npm run size`: what the addon and the edge build weigh, what takes the space at the edge, and whether they keep within
// their limits.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'vite';
import { build } from './build.mjs';
import { addonName, mainFolder } from './platforms.mjs';
import { Failure, root, runAsScript } from './run.mjs';
import { namedWasm, wasmFolder } from './wasm.mjs';
import { functionSizes } from './wasm-functions.mjs';

/** Bytes that the addon must not exceed. */
const mostOfAddon = 6_000_000;

/** Bytes after gzip that must not be exceeded, and those that are wanted. */
const limits = {
  wasm: { most: 80_000, wanted: 80_000 },
  'JavaScript layer': { most: 20_900, wanted: 12_000 },
};

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} KB`;

async function main() {
  build();
  const addon = statSync(join(mainFolder, addonName)).size;
  console.log(`addon: ${kilobytes(addon)}`);
  const wasm = readFileSync(join(wasmFolder, 'core.wasm'));
  console.log(`wasm: ${kilobytes(wasm.length)}, gzipped ${kilobytes(gzipped(wasm))}`);
  // Where nothing has been run yet there is no such folder.
  mkdirSync(join(root, '.cache'), { recursive: true });
  report(readFileSync(namedWasm()));
  const scripts = await bundled();
  const script = scripts.reduce((sum, { length }) => sum + length, 0);
  const sizes = { wasm: gzipped(wasm), 'JavaScript layer': scripts.reduce((sum, each) => sum + gzipped(each), 0) };
  console.log(`JavaScript layer: ${kilobytes(script)}, gzipped ${kilobytes(sizes['JavaScript layer'])}`);
  const over = Object.entries(sizes).flatMap(([name, size]) => {
    const { most, wanted } = limits[name];
    if (size > wanted) console.log(`${name}: ${kilobytes(size - wanted)} more than the ${kilobytes(wanted)} wanted`);
    return size > most ? [`${name} has ${size} bytes, more than ${most}`] : [];
  });
  if (addon > mostOfAddon) over.push(`the addon is ${kilobytes(addon)}, more than ${kilobytes(mostOfAddon)}`);
  if (over.length > 0) throw new Failure(over.join('; '));
}

/** Which crates and modules take how much, and the largest functions. */
function report(bytes) {
  // Names have the hashes of their crates in them.
  const functions = functionSizes(bytes).map(({ name, size }) => ({ name: name.replace(/\[[0-9a-f]+\]/g, ''), size }));
  const parts = new Map();
  for (const { name, size } of functions) {
    const own = name.match(/^[^:]*\b(synced_memory_core::\w+)/)?.[1];
    const part =
      own ?? name.match(/serde_json|compact_str|hashbrown|dlmalloc|\b(core|alloc|std)(?=::)/)?.[0] ?? 'the rest';
    parts.set(part, (parts.get(part) ?? 0) + size);
  }
  const bySize = (a, b) => b[1] - a[1];
  for (const [part, size] of [...parts].sort(bySize)) console.log(`  ${kilobytes(size).padStart(9)}  ${part}`);
  console.log('  the largest functions:');
  const largest = functions.sort((a, b) => b.size - a.size).slice(0, 12);
  for (const { name, size } of largest) console.log(`  ${kilobytes(size).padStart(9)}  ${name.slice(0, 90)}`);
}

/** The entry for the edge with all that it needs from the start, but the core's bytes, minified. */
async function bundled() {
  const { output } = await bundle({
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      // As for a server: pages get a loader of Vite's own around every import().
      ssr: join(root, 'npm/synced-memory/dist/entry/edge.js'),
      rolldownOptions: { external: [/bytes\.js$/], preserveEntrySignatures: 'strict' },
    },
  });
  const chunk = (name) => output.find(({ fileName }) => fileName === name);
  const needed = new Set([output.find(({ isEntry }) => isEntry).fileName]);
  for (const name of needed) for (const imported of chunk(name)?.imports ?? []) needed.add(imported);
  return [...needed].flatMap((name) => chunk(name)?.code ?? []);
}

await runAsScript(import.meta.url, main);
