// Tools that npm and cargo do not bring: found on the path, or installed where that needs nobody's permission.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { Failure, output, run } from './run.mjs';

/**
 * Makes sure that `tool` is on the path. Where it is missing, root on a Debian-like system gets `packages`;
 * everybody else is told in one line what to install. `works` may check more than the tool's presence.
 * Returns true where something was installed.
 */
export function requireTool(tool, packages, works = () => output(tool, ['--version']) !== undefined) {
  if (works()) return false;
  const mayInstall = process.getuid?.() === 0 && output('apt-get', ['--version']) !== undefined;
  if (mayInstall) {
    console.log(`setup: installing ${packages.join(', ')}`);
    withoutServices(() => installPackages(packages));
    if (works()) return true;
  }
  throw new Failure(`${tool} is missing: install it (on Debian and Ubuntu: apt-get install ${packages.join(' ')})`);
}

function installPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['-qq', 'update'], { env });
  run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...packages], { env });
}

/** Debian asks policy-rc.d before it starts a service; 101 forbids it. A policy that the machine has already stays. */
function withoutServices(action) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return action();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    action();
  } finally {
    rmSync(policy);
  }
}
