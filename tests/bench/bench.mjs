// `npm run bench`: compares with other libraries and clients, and writes BENCHMARKS.md. `npm run bench -- SECTION`: one section, on the
// terminal. `-- --quick`: all sections in short, which fails only on instruction counts of the core. `-- promises`: what this
// project promises of itself.
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { build } from '../../scripts/build.mjs';
import { run } from '../../scripts/command.mjs';
import { modifiedAt } from '../../scripts/paths.mjs';
import { requirePython } from '../../scripts/python-environment.mjs';
import { requireRedisServer, startRedisServer } from '../../scripts/redis-server.mjs';
import { Failure, runAsScript } from '../../scripts/script.mjs';

const sectionNames = ['local', 'server', 'sizes', 'opening', 'core'];
/** Outside of what the type checker reads: the other libraries need not be installed for it. */
const peersModule = './peers/local.mjs';

await runAsScript(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, record: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [name, ...names] = positionals;
  if (name !== undefined && name !== 'promises' && !sectionNames.includes(name)) {
    throw new Failure(`there is no section ${name}; there are ${sectionNames.join(', ')} and promises`);
  }
  await build();
  if (name === 'promises') {
    requireRedisServer();
    const { promises } = await import('./promises.mjs');
    return withServer(({ url }) => promises(url));
  }
  const selected = name === undefined ? sectionNames : [name];
  // Only now is everything installed that these import.
  const { printSection, writePage } = await import('./compare/page.mjs');
  const sections = [];
  const [load = 0] = loadavg();
  let exceeded = /** @type {string[]} */ ([]);
  for (const each of selected) {
    const { section, exceeded: more } = await measure(each, values, names);
    printSection(section);
    sections.push(section);
    exceeded = more ?? [];
  }
  if (name === undefined && !values.quick) writePage(sections, await machine(load));
  if (exceeded.length > 0)
    throw new Failure(`more than a tenth above the recorded instructions: ${exceeded.join('; ')}`);
});

/**
 * @param {string} name @param {{ quick: boolean, record: boolean }} options @param {string[]} contenders
 * @returns {Promise<{ section: import('./compare/section.mjs').Section, exceeded?: string[] }>}
 */
async function measure(name, { quick, record }, contenders) {
  if (name === 'local') {
    installPeers();
    const { localWork } = await import(peersModule);
    const few = ['plain', 'synced', 'valtio', 'mobx'];
    return { section: await localWork(contenders.length === 0 && quick ? few : contenders, quick) };
  }
  if (name === 'core') {
    const { instructionCounts } = await import('./instructions.mjs');
    return instructionCounts({ isRecorded: record });
  }
  requireRedisServer();
  requirePython();
  const { serverWork } = await import('./compare/server.mjs');
  const { documentSizes } = await import('./compare/sizes.mjs');
  const { opening } = await import('./compare/opening.mjs');
  const section = await withServer(({ url, port }) => {
    if (name === 'server') return serverWork(url, port, quick);
    return name === 'sizes' ? documentSizes(url, quick) : opening(url, quick);
  });
  return { section };
}

/**
 * @template T
 * @param {(server: Awaited<ReturnType<typeof startRedisServer>>) => Promise<T>} use
 */
async function withServer(use) {
  const server = await startRedisServer();
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Installs the other libraries, which are no part of the workspace: nothing else needs them. */
function installPeers() {
  const folder = 'tests/bench/peers';
  if (modifiedAt(`${folder}/node_modules/.package-lock.json`) < modifiedAt(`${folder}/package-lock.json`)) {
    run('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], { hint: 'is the npm registry reachable?' });
  }
}

/** Lines about the machine and the versions. @param {number} load average at the start */
async function machine(load) {
  const { output } = await import('../../scripts/command.mjs');
  const { versionsOfPeers } = await import(peersModule);
  const [cpu] = cpus();
  const installed = JSON.parse(output('npm', ['ls', 'redis', 'ioredis', '--json', '--workspace', 'tests']) ?? '{}');
  const clients = Object.entries(Object.values(installed.dependencies ?? {})[0]?.dependencies ?? {});
  return [
    `${new Date().toISOString().slice(0, 10)}, commit ${output('git', ['rev-parse', '--short', 'HEAD']) ?? 'unknown'}`,
    `${cpus().length} × ${cpu?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}; all processes share these cores`,
    `load average of ${load.toFixed(1)} before the first round: ${load < 1 ? 'idle' : 'other work ran, which makes absolute figures worse and ratios less certain'}`,
    `Node ${process.versions.node}, ${output('redis-server', ['--version'])?.match(/v=\S+/)?.[0].replace('v=', 'Redis ')}, ${output('rustc', ['--version'])}`,
    ...[clients.map(([name, { version }]) => `${name === 'redis' ? 'node-redis' : name} ${version}`).join(', ')].filter(
      Boolean,
    ),
    `${versionsOfPeers().join(', ')}; the Python package synced-memory 0.1.3`,
  ];
}
