// `npm run sim:broken`: applies one patch after another that breaks the core, and fails where the simulator does not notice.
// `npm run sim:broken -- missing-guard --save` takes the named patches and keeps the shrunk runs in crates/sim/vectors.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { root } from './paths.mjs';
import { Failure, runAsScript } from './script.mjs';

const SEEDS = 100_000;
const patches = join(root, 'crates/sim/broken');

function main() {
  const save = process.argv.includes('--save');
  const wanted = process.argv.slice(2).filter((argument) => argument !== '--save');
  const all = readdirSync(patches).map((file) => basename(file, '.patch'));
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown) throw new Failure(`no broken core "${unknown}"; there are ${all.join(', ')}`);

  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-broken-'));
  const problems = [];
  try {
    for (const name of all.filter((name) => wanted.length === 0 || wanted.includes(name))) {
      const problem = tryBroken(name, folder, save);
      if (problem) problems.push(`${name}: ${problem}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (problems.length > 0) throw new Failure(problems.join('; '));
}

/** Returns what is wrong with a patch; undefined where the simulator noticed it. */
function tryBroken(name, folder, save) {
  copyWorkspace(folder);
  const patch = join(patches, `${name}.patch`);
  const applied = call('git', ['apply', '--unidiff-zero', patch], folder);
  if (applied.status !== 0) return `the patch does not apply any more: ${applied.stderr.trim()}`;

  const built = call('cargo', ['build', '--release', '--locked', '-p', 'synced-memory-sim'], folder);
  if (built.status !== 0) return `it does not build: ${built.stderr.trim().split('\n').slice(-20).join('\n')}`;

  const program = join(targetFolder, 'release/synced-memory-sim');
  const { status, stdout } = call(program, ['--seeds', String(SEEDS), ...(save ? ['--save'] : [])], folder);
  const found = stdout.match(/^seed (\d+): (.*)$/m);
  if (status !== 1 || !found) return `not noticed in ${SEEDS} seeds`;
  const shrunk = stdout.match(/^shrunk to .*(?=:$)/m)?.[0] ?? 'not shrunk';
  console.log(`${name}: noticed at seed ${found[1]}, ${shrunk}: ${found[2].slice(0, 160)}`);
  if (save) cpSync(join(folder, 'crates/sim/vectors'), join(root, 'crates/sim/vectors'), { recursive: true });
  return undefined;
}

/** Copies what cargo needs, over what the last patch changed. */
function copyWorkspace(folder) {
  rmSync(join(folder, 'crates'), { recursive: true, force: true });
  for (const part of ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'crates']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  mkdirSync(join(folder, 'crates/sim/vectors'), { recursive: true });
}

/** Outside of the copy, so that dependencies are built once. */
const targetFolder = join(root, 'target/broken');

function call(command, args, cwd) {
  // Git must not find a repository around the copy.
  const env = { ...process.env, CARGO_TARGET_DIR: targetFolder, GIT_CEILING_DIRECTORIES: tmpdir() };
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env,
    maxBuffer: 1 << 26,
  });
  if (error) throw new Failure(`${command}: ${error.message}`);
  return { status, stdout, stderr };
}

await runAsScript(import.meta.url, main);
