// `npm test`: sets everything up, runs every suite, and closes with the number of tests that each one really ran.
// `node scripts/test.mjs rust wasm js edge python runtimes servers` runs the named ones.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireOtherServers } from './other-servers.mjs';
import { Failure, root, runAsScript, runLines } from './run.mjs';
import { setup } from './setup.mjs';

/** What only the native build does: see what others write by other means, block, files, certificates of one's own, servers with names and parts. */
const native = [
  'faults/file',
  ...['acl', 'cluster', 'dragonflydb', 'foreign', 'limits', 'replicas', 'sentinel', 'tls'].map(
    (name) => `servers/${name}`,
  ),
];

const suites = {
  rust: (counts) => cargoTest(counts, ['--workspace']),

  // The core as edge runtimes get it must compile; its tests run where a test binary can be started.
  wasm: async (counts) => {
    const core = ['-p', 'synced-memory-core'];
    const checked = await runLines('cargo', ['check', ...core, '--target', 'wasm32-unknown-unknown'], () => {});
    const runner = JSON.stringify([process.execPath, '--no-warnings', join(root, 'scripts/wasi-runner.mjs')]);
    const config = ['--config', `target.wasm32-wasip1.runner=${runner}`];
    return (await cargoTest(counts, [...core, '--target', 'wasm32-wasip1', ...config])) || checked;
  },

  js: async (counts) => {
    const unit = await vitest(counts, 'npm/synced-memory');
    return (await vitest(counts, 'tests', '--exclude=interop/**')) || unit;
  },

  // The same on the wasm build. (tests/edge runs on it in every case.)
  edge: async (counts) => {
    process.env.SYNCED_MEMORY_BUILD = 'wasm';
    const code = await vitest(
      counts,
      'tests',
      '--exclude=edge/**',
      '--exclude=interop/**',
      ...native.map((name) => `--exclude=${name}.test.ts`),
    );
    delete process.env.SYNCED_MEMORY_BUILD;
    return code;
  },

  python: (counts) => vitest(counts, 'tests', 'interop'),

  // The packed tarballs, in the runtimes and bundlers that are quick to install.
  runtimes: (counts) => vitest(counts, 'tests/runtimes', '--exclude=slow/**'),

  // In those that take minutes to install and to build with.
  'runtimes-slow': (counts) => vitest(counts, 'tests/runtimes', 'slow/'),

  // What depends on the server, again on others.
  servers: async (counts) => {
    let code = 0;
    for (const { name, binary } of requireOtherServers()) {
      console.log(`\n-- ${name}`);
      process.env.SYNCED_MEMORY_TEST_SERVER = binary;
      code ||= await cargoTest(counts, ['-p', 'synced-memory-native', '--test', 'native']);
      code ||= await vitest(counts, 'tests', 'servers/', 'faults/', 'interop/', 'edge/');
      delete process.env.SYNCED_MEMORY_TEST_SERVER;
    }
    return code;
  },
};

/** Only where they are named. */
const onDemand = ['runtimes-slow'];

async function main() {
  const usual = Object.keys(suites).filter((name) => !onDemand.includes(name));
  const names = process.argv.length > 2 ? process.argv.slice(2) : usual;
  const unknown = names.find((name) => !(name in suites));
  if (unknown) throw new Failure(`no suite "${unknown}"; there are ${Object.keys(suites).join(', ')}`);
  setup();

  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const lines = [];
  for (const name of names) {
    console.log(`\n== ${name}`);
    const counts = { passed: 0, failed: 0, skipped: 0, failures };
    const code = await suites[name](counts);
    // A suite that could not run to its end, or ran nothing, has not passed. There are not other servers everywhere.
    const nothing = counts.passed === 0 && name !== 'servers';
    if ((code !== 0 || nothing) && counts.failed === 0) counts.failed = 1;
    lines.push(summary(name, counts));
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  console.log(`\n${[...failures, ...lines, summary('total', total)].join('\n')}`);
  if (total.failed > 0) process.exitCode = 1;
}

function summary(name, { passed, failed, skipped }) {
  return `${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Adds up the closing lines of all test binaries. Resolves to the exit code. */
function cargoTest(counts, args) {
  return runLines('cargo', ['test', '--no-fail-fast', ...args], (line) => {
    if (/^test .* FAILED$/.test(line)) counts.failures.push(line);
    const result = line.match(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/);
    if (!result) return;
    counts.passed += Number(result[1]);
    counts.failed += Number(result[2]);
    counts.skipped += Number(result[3]);
  });
}

/** Runs the vitest project in `folder`; `selection` picks among its files. Resolves to the exit code. */
async function vitest(counts, folder, ...selection) {
  const cache = join(root, '.cache');
  const report = join(cache, 'vitest.json');
  mkdirSync(cache, { recursive: true });
  rmSync(report, { force: true });
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = [program, 'run', '--root', join(root, folder), ...reporters, ...selection];
  const code = await runLines(process.execPath, args, () => {});
  if (existsSync(report)) {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    counts.passed += result.numPassedTests;
    counts.failed += result.numFailedTests;
    counts.skipped += result.numPendingTests + result.numTodoTests;
    const failed = result.testResults
      .flatMap((file) => file.assertionResults)
      .filter(({ status }) => status === 'failed');
    counts.failures.push(...failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0] ?? ''}`));
  }
  return code;
}

await runAsScript(import.meta.url, main);
