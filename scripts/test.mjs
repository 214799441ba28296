// `npm test`: installs what is missing, runs the suites, and ends with the number of tests that each of them ran.
// `npm test -- rust js` runs the named suites.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { runLines } from './command.mjs';
import { root } from './paths.mjs';
import { requirePython } from './python-environment.mjs';
import { requireRedisServer } from './redis-server.mjs';
import { Failure, runAsScript } from './script.mjs';
import { requireServerVersions } from './server-versions.mjs';

/**
 * The test files of abilities that only the native build has: changes by other programs, blocking calls, files, certificates,
 * clusters, Sentinel and the command line.
 */
const nativeOnly = [
  'faults/file',
  'faults/journal*',
  ...[
    'acl',
    'cli*',
    'cluster',
    'cluster-failover',
    'dragonflydb',
    'foreign',
    'limits',
    'replicas',
    'sentinel',
    'tls',
  ].map((name) => `servers/${name}`),
];

/** The test files that do not depend on the version of the server. */
const anyServerVersion = [
  'edge/{convergence,late-module,lifetime,testing}',
  'faults/file',
  'histories/histories',
  'servers/{cli,cli-page,cli-tools,cli-transfer,cli-watch,schema}',
];

/** The test files that need no server. */
const withoutServer = [
  'edge/convergence',
  'edge/late-module',
  'edge/lifetime',
  'edge/testing',
  'histories/histories',
  'servers/schema',
];

/** The suites: their requirements besides the built package, and how they run. `isOnDemand` suites run only when they are named. */
const suites = {
  rust: {
    needs: [requireRedisServer],
    run: (counts) => cargoTest(counts, ['--workspace']),
  },

  // The core must compile for edge runtimes; its tests run under WASI, where a test binary can be started.
  wasm: {
    needs: [],
    async run(counts) {
      const core = ['-p', 'synced-memory-core'];
      const checked = await runLines('cargo', ['check', ...core, '--target', 'wasm32-unknown-unknown'], () => {});
      const runner = JSON.stringify([process.execPath, '--no-warnings', join(root, 'scripts/wasi-runner.mjs')]);
      const config = ['--config', `target.wasm32-wasip1.runner=${runner}`];
      return (await cargoTest(counts, [...core, '--target', 'wasm32-wasip1', ...config])) || checked;
    },
  },

  js: {
    needs: [requireRedisServer, requirePython],
    async run(counts) {
      const unit = await vitest(counts, 'npm/synced-memory');
      const inspector = await vitest(counts, 'npm/synced-memory-inspector');
      return (await vitest(counts, 'tests', '--exclude=interop/**')) || unit || inspector;
    },
  },

  // The hooks of React, Vue, Svelte and Solid, each in a page of its framework.
  frameworks: {
    needs: [],
    run: (counts) => vitest(counts, 'tests/frameworks'),
  },

  // The same files on the wasm build, without those of tests/edge, which run on it in the suite js, and of tests/types.
  edge: {
    needs: [requireRedisServer, requirePython],
    run: (counts) => {
      const excluded = ['edge/**', 'interop/**', 'types/**', ...nativeOnly.map((name) => `${name}.test.ts`)];
      const selection = excluded.map((pattern) => `--exclude=${pattern}`);
      return withVariable('SYNCED_MEMORY_BUILD', 'wasm', () => vitest(counts, 'tests', ...selection));
    },
  },

  // Beside the Python package, on one server.
  python: {
    needs: [requireRedisServer, requirePython],
    run: (counts) => vitest(counts, 'tests', 'interop'),
  },

  // The packed tarballs in the runtimes and bundlers that are quick to install.
  runtimes: {
    needs: [requireRedisServer, requirePython],
    run: (counts) => vitest(counts, 'tests/runtimes', '--exclude=slow/**'),
  },

  // The packed tarballs in those that take minutes to install and to build with.
  'runtimes-slow': {
    needs: [requireRedisServer],
    isOnDemand: true,
    run: (counts) => vitest(counts, 'tests/runtimes', 'slow/'),
  },

  // The tests that depend on the server, on other versions of it.
  servers: {
    needs: [requireRedisServer, requirePython],
    // There are binaries for one platform only.
    mayBeEmpty: true,
    async run(counts) {
      let code = 0;
      for (const { name, binary } of requireServerVersions()) {
        console.log(`\n-- ${name}`);
        code ||= await withVariable('SYNCED_MEMORY_TEST_SERVER', binary, async () => {
          const native = await cargoTest(counts, ['-p', 'synced-memory-native', '--test', 'native']);
          const excluded = anyServerVersion.map((name) => `--exclude=${name}.test.ts`);
          const folders = ['servers/', 'faults/', 'histories/', 'interop/', 'edge/'];
          return native || vitest(counts, 'tests', ...folders, ...excluded);
        });
      }
      return code;
    },
  },

  // A cluster whose masters are replaced, with a node that is away for a minute.
  cluster: {
    needs: [requireRedisServer],
    isOnDemand: true,
    run: (counts) => withVariable('SYNCED_MEMORY_AWAY_SECONDS', '60', () => vitest(counts, 'tests', 'servers/cluster')),
  },

  // The tests that need neither a server nor Python, for systems that have none, such as Windows.
  'no-server': {
    needs: [],
    isOnDemand: true,
    async run(counts) {
      const portable = ['core', 'sim'].flatMap((name) => ['-p', `synced-memory-${name}`]);
      const rust = await cargoTest(counts, portable);
      const native = await cargoTest(counts, ['-p', 'synced-memory-native', '--lib']);
      const unit = await vitest(counts, 'npm/synced-memory');
      return rust || native || unit || vitest(counts, 'tests', ...withoutServer);
    },
  },
};

async function main() {
  const usual = Object.keys(suites).filter((name) => !suites[name].isOnDemand);
  const names = process.argv.length > 2 ? process.argv.slice(2) : usual;
  const unknown = names.find((name) => !(name in suites));
  if (unknown) throw new Failure(`no suite "${unknown}"; there are ${Object.keys(suites).join(', ')}`);
  await build();
  for (const requirement of new Set(names.flatMap((name) => suites[name].needs))) requirement();

  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const lines = [];
  for (const name of names) {
    console.log(`\n== ${name}`);
    const counts = { passed: 0, failed: 0, skipped: 0, failures };
    const code = await suites[name].run(counts);
    // A suite that could not run to its end, or ran nothing, has not passed.
    const ranNothing = counts.passed === 0 && !suites[name].mayBeEmpty;
    if ((code !== 0 || ranNothing) && counts.failed === 0) counts.failed = 1;
    lines.push(summary(name, counts));
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  console.log(`\n${[...failures, ...lines, summary('total', total)].join('\n')}`);
  if (total.failed > 0) process.exitCode = 1;
}

function summary(name, { passed, failed, skipped }) {
  return `${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Runs `action` with an environment variable that the processes it starts inherit. */
async function withVariable(name, value, action) {
  process.env[name] = value;
  try {
    return await action();
  } finally {
    delete process.env[name];
  }
}

/** Runs `cargo test` and adds up the closing lines of all test binaries. Resolves to the exit code. */
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
