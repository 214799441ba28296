// The Python package, in a virtual environment of its own under .cache/: made once, then reused.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireTool } from './debian.mjs';
import { output, root, run, runAsScript } from './run.mjs';

const requirement = 'synced-memory==0.1.3';
const folder = join(root, '.cache/python');
const windows = process.platform === 'win32';

/** The interpreter that has the package. */
export const python = join(folder, windows ? 'Scripts/python.exe' : 'bin/python');

export function requirePython() {
  const [name, version] = requirement.split('==');
  const probe = `from importlib.metadata import version; assert version("${name}") == "${version}"`;
  if (existsSync(python) && output(python, ['-c', probe]) !== undefined) return;
  const system = windows ? 'python' : 'python3';
  // Debian splits the means to make an environment off the interpreter.
  const works = () => output(system, ['-c', 'import ensurepip, venv']) !== undefined;
  requireTool(system, ['python3', 'python3-venv'], works);
  console.log(`setup: Python ${requirement} in .cache/python`);
  rmSync(folder, { recursive: true, force: true });
  run(system, ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', requirement], { hint: 'is the Python package index reachable?' });
}

await runAsScript(import.meta.url, requirePython);
