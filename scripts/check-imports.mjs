// Checks the imports of the TypeScript sources: the folders depend on each other in one direction, no files import each other
// in a circle, and no chain of imports is too long.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { root } from './paths.mjs';
import { Failure, runAsScript } from './script.mjs';

const sources = join(root, 'npm/synced-memory/src');

/** The server in the process, and the way to its wasm module. */
const inProcess = ['engine/wasm/in-process-module.ts', 'engine/wasm/in-process-inline.ts'];

/** The folders, or single files of them, that each folder may import besides itself. `index.ts` counts as `entry`. */
const allowed = {
  cli: ['entry', 'memory', 'changes', 'engine/engine.ts', 'engine/transport.ts', 'transports', 'base'],
  entry: ['memory', 'sync', 'changes', 'mirror', 'engine', 'transports', 'base'],
  memory: ['sync', 'changes', 'mirror', 'engine/engine.ts', 'engine/transport.ts', 'base'],
  sync: ['changes', 'mirror', 'engine/engine.ts', 'base'],
  changes: ['mirror', 'base'],
  mirror: ['base'],
  base: [],
  engine: ['base'],
  transports: ['engine/transport.ts', ...inProcess, 'base'],
  testing: ['entry', 'transports', 'engine/transport.ts', ...inProcess, 'base'],
};

/** The most files in a chain of imports. Chains of the command line are counted up to the library that it uses. */
const maxDepth = 20;

/** The files behind package.json's `imports`; any build serves here. */
const aliases = {
  '#engine': 'engine/addon/addon-engine.ts',
  '#core': 'engine/wasm/load-inline.ts',
  '#in-process': 'engine/wasm/in-process-inline.ts',
  '#memory': 'transports/memory.ts',
};

function main() {
  const files = readdirSync(sources, { recursive: true }).map((name) => String(name).replaceAll('\\', '/'));
  const graph = new Map(files.filter((name) => name.endsWith('.ts')).map((name) => [name, importsOf(name)]));
  const problems = [...wrongDirections(graph), ...circles(graph)];
  // With a circle no chain has an end.
  if (problems.length === 0) problems.push(...longChains(graph));
  if (problems.length > 0) throw new Failure(`imports in npm/synced-memory/src:\n  ${problems.join('\n  ')}`);
}

/** The source files that a source file imports, for types as well. */
function importsOf(file) {
  const text = readFileSync(join(sources, file), 'utf8');
  const names = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([.#][^']*)'/g)].map((match) => match[1]);
  const paths = names.map((name) => aliases[name] ?? posix.join(posix.dirname(file), name.replace(/\.js$/, '.ts')));
  // The generated side of the wasm build is outside.
  return paths.filter((path) => !path.startsWith('..'));
}

function wrongDirections(graph) {
  const edges = [...graph].flatMap(([file, imports]) => imports.map((imported) => [file, imported]));
  return edges
    .filter(([file, imported]) => {
      const [from, to] = [folderOf(file), folderOf(imported)];
      return from !== to && !allowed[from]?.some((target) => target === to || target === imported);
    })
    .map(([file, imported]) => `${file} must not import ${imported}`);
}

const folderOf = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : 'entry');

/** Every circle that a search in depth meets, once. */
function circles(graph) {
  const found = [];
  const finished = new Set();
  const visit = (file, path) => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (path.includes(file) || finished.has(file)) return;
    for (const imported of graph.get(file) ?? []) visit(imported, [...path, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

function longChains(graph) {
  const chains = new Map();
  const longest = (file) => {
    if (!chains.has(file)) {
      const counted = (graph.get(file) ?? []).filter(
        (imported) => (folderOf(file) === 'cli') === (folderOf(imported) === 'cli'),
      );
      const next = counted.map(longest).sort((a, b) => b.length - a.length)[0] ?? [];
      chains.set(file, [file, ...next]);
    }
    return chains.get(file);
  };
  const chain = [...graph.keys()].map(longest).sort((a, b) => b.length - a.length)[0] ?? [];
  return chain.length > maxDepth ? [`${chain.length} levels deep: ${chain.join(' → ')}`] : [];
}

await runAsScript(import.meta.url, main);
