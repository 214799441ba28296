// Installs the projects of tests/runtimes/projects, each with tools of its own, into .cache/runtimes, together with the tarballs
// of `npm run pack`.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { packFolder } from './pack.mjs';
import { modifiedAt, root } from './paths.mjs';
import { step } from './script.mjs';

/** Installs a project with the tarballs. @returns {string} its folder */
export function installProject(name) {
  const folder = installTools(name);
  installPacked(folder);
  return folder;
}

/** Installs what a project's lock file names. @returns {string} its folder */
export function installTools(name) {
  const source = join(root, 'tests/runtimes/projects', name);
  const folder = join(root, '.cache/runtimes', name);
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, { recursive: true });
  // npm writes this as the last act of an installation.
  const installed = modifiedAt(join(folder, 'node_modules/.package-lock.json'));
  if (installed < modifiedAt(join(source, 'package-lock.json'))) {
    step(`tools of ${name} in .cache/runtimes`);
    const options = ['--prefix', folder, '--no-audit', '--no-fund', '--loglevel', 'error'];
    run('npm', ['ci', ...options], { hint: 'is the npm registry reachable?' });
  }
  return folder;
}

/** Unpacks the tarballs where npm would install them: npm itself would look for platforms that were not built. */
function installPacked(folder) {
  for (const tarball of tarballs()) {
    const target = join(folder, 'node_modules', tarball.replace(/-\d.*$/, ''));
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    run('tar', ['-xzf', join(packFolder, tarball), '-C', target, '--strip-components', '1']);
  }
}

/** The file names of the tarballs. */
export function tarballs() {
  return readdirSync(packFolder).filter((name) => name.endsWith('.tgz'));
}
