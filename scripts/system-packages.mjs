// Tools that neither npm nor cargo brings: found on the path, or installed where that needs no confirmation.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { output, run } from './command.mjs';
import { Failure, step } from './script.mjs';

/**
 * Makes sure that a tool works. Where it does not, root on a system with apt-get gets the Debian packages, after one line that
 * says so; everybody else gets an error that says how to install it. `works` may check more than that the tool is there.
 * @param {string} tool
 * @param {{ debian: string[], macos: string, works?: () => boolean }} options `macos` is a command
 * @returns {boolean} whether packages were installed
 */
export function requireTool(tool, { debian, macos, works = () => output(tool, ['--version']) !== undefined }) {
  if (works()) return false;
  const packages = debian.join(' ');
  if (process.getuid?.() === 0 && output('apt-get', ['--version']) !== undefined) {
    step(`${tool} is missing: installing ${packages} with apt-get`);
    withoutServices(() => installPackages(debian));
    if (works()) return true;
  }
  const how = process.platform === 'darwin' ? macos : `on Debian and Ubuntu: apt-get install ${packages}`;
  throw new Failure(`${tool} is missing or does not work: install it (${how})`);
}

function installPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['-qq', 'update'], { env });
  run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...packages], { env });
}

/** Runs `action` while no package starts a service: Debian asks policy-rc.d, and 101 forbids it. An existing policy stays. */
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
