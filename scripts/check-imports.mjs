// Checks the imports of the TypeScript sources: the folders are few and depend on each other in one direction and few levels
// deep, and no files import each other in a circle.
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

/** The most folders at the top. */
const maxFolders = 10;

/** The most folders in a chain of imports between them. */
const maxLevels = 8;

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
  const folders = folderGraph(graph);
  const problems = [...wrongDirections(graph), ...circles(graph), ...circles(folders)];
  if (folders.size > maxFolders) {
    problems.push(`${folders.size} folders, at most ${maxFolders}: ${[...folders.keys()].join(', ')}`);
  }
  // With a circle no chain has an end.
  if (problems.length === 0) problems.push(...deepChains(folders));
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

/** The folder at the top that holds a file. A file at the top counts as a folder, but `index.ts` as a file of `entry`. */
const folderOf = (file) => (file === 'index.ts' ? 'entry' : file.split('/', 1)[0]);

/** The folders at the top, each with the other ones that its files import. */
function folderGraph(graph) {
  const folders = new Map();
  for (const [file, imports] of graph) {
    const folder = folderOf(file);
    const imported = folders.get(folder) ?? new Set();
    for (const other of imports.map(folderOf)) if (other !== folder) imported.add(other);
    folders.set(folder, imported);
  }
  return folders;
}

/** Every circle of files or folders that a search in depth meets, once. */
function circles(graph) {
  const found = [];
  const finished = new Set();
  const visit = (node, path) => {
    if (path.includes(node)) found.push([...path.slice(path.indexOf(node)), node].join(' → '));
    if (path.includes(node) || finished.has(node)) return;
    for (const imported of graph.get(node) ?? []) visit(imported, [...path, node]);
    finished.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}

/** The longest chain of imports between the folders, where it is too long. */
function deepChains(folders) {
  const longestFrom = (folder) => [folder, ...longest([...folders.get(folder)].map(longestFrom))];
  const longest = (chains) => chains.sort((a, b) => b.length - a.length)[0] ?? [];
  const chain = longest([...folders.keys()].map(longestFrom));
  return chain.length > maxLevels ? [`${chain.length} levels deep, at most ${maxLevels}: ${chain.join(' → ')}`] : [];
}

await runAsScript(import.meta.url, main);
