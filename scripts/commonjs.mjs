// The package's build for require(): the folder npm/synced-memory/cjs, made of the ES modules in dist.
//
// In Node, import and require() get this one build, import through the modules of dist/node, which hold nothing of their own.
// So a program that does both has one engine and one set of classes. Bundlers, which set the condition "module", Deno and Bun
// get the ES modules.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { packageFolder } from './paths.mjs';

const dist = join(packageFolder, 'dist');
/** As deep as dist, so that paths relative to the package hold. */
export const commonJs = join(packageFolder, 'cjs');
/** The ES modules by which Node imports the entry points. */
const nodeFolder = join(dist, 'node');

/** Writes the build. The ES modules must be there. */
export async function buildCommonJs() {
  const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const entries = modulesOf(manifest.exports);
  for (const folder of [commonJs, nodeFolder]) rmSync(folder, { recursive: true, force: true });
  await bundle([...entries, ...modulesOf(manifest.imports)]);
  for (const entry of entries) writeFacade(entry);
  for (const file of readdirSync(dist, { recursive: true }).filter(isDeclaration)) writeDeclaration(file);
}

/** The modules that a map of exports or imports gives to require(): paths in cjs without the extension. */
function modulesOf(target) {
  if (typeof target === 'string') return target.match(/^\.\/cjs\/(.+)\.cjs$/)?.slice(1) ?? [];
  return [...new Set(Object.values(target).flatMap(modulesOf))];
}

/** @param {string[]} modules */
async function bundle(modules) {
  // The build has installed it by now; in a new clone, it was not there when this module was loaded.
  const { rolldown } = await import('rolldown');
  // Internal names are resolved when they are required: which module they lead to depends on Node's conditions.
  const external = (id) => !id.startsWith('.') && !isAbsolute(id);
  const input = Object.fromEntries(modules.map((module) => [module, join(dist, `${module}.js`)]));
  const build = await rolldown({ input, external, platform: 'node', cwd: packageFolder });
  await build.write({
    dir: commonJs,
    format: 'cjs',
    // As in the ES modules.
    strict: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: 'shared/[name].cjs',
    exports: 'named',
  });
  await build.close();
}

/** Writes the ES module by which Node imports an entry point. */
function writeFacade(entry) {
  const file = join(nodeFolder, `${entry}.js`);
  const target = relative(dirname(file), join(commonJs, `${entry}.cjs`)).replaceAll('\\', '/');
  write(file, `export * from '${target}';\n`);
}

/** Whether this file declares the types of a module that programs can reach: the command line has none. */
function isDeclaration(path) {
  return path.endsWith('.d.ts') && !path.startsWith('cli');
}

/** Writes the declarations of a module as those of a CommonJS module. */
function writeDeclaration(path) {
  const text = readFileSync(join(dist, path), 'utf8');
  const target = join(commonJs, path.replace(/\.d\.ts$/, '.d.cts'));
  write(target, text.replaceAll(/(?<=(?:from |import\()(['"])\.[^'"]*)\.js(?=\1)/g, '.cjs'));
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
