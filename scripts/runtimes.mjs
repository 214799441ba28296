// Projects that use the package as its users do: each a folder of tests/runtimes/projects with tools of its own, installed
// into .cache/runtimes with what `npm run pack` made.
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packFolder } from './pack.mjs';
import { root, run } from './run.mjs';

/** Makes a project ready to run. @returns {string} its folder */
export function installProject(name) {
  const source = join(root, 'tests/runtimes/projects', name);
  const folder = join(root, '.cache/runtimes', name);
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, { recursive: true });
  // npm writes this as the last act of an installation.
  const installed = modified(join(folder, 'node_modules/.package-lock.json'));
  if (installed < modified(join(source, 'package-lock.json'))) {
    console.log(`setup: tools of ${name} in .cache/runtimes`);
    const options = ['--prefix', folder, '--no-audit', '--no-fund', '--loglevel', 'error'];
    run('npm', ['ci', ...options], { hint: 'is the npm registry reachable?' });
  }
  installPacked(folder);
  return folder;
}

/** Unpacks the tarballs where npm would: npm itself would look for the platforms that were not built. */
function installPacked(folder) {
  for (const tarball of tarballs()) {
    const target = join(folder, 'node_modules', tarball.replace(/-\d.*$/, ''));
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    run('tar', ['-xzf', join(packFolder, tarball), '-C', target, '--strip-components', '1']);
  }
}

/** File names of what was packed. */
export function tarballs() {
  return readdirSync(packFolder).filter((name) => name.endsWith('.tgz'));
}

/** Milliseconds; 0 for a file that does not exist. */
function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
