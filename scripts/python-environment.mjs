// The Python package synced-memory in a virtual environment under .cache/, which is made once and then reused.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { output, run } from './command.mjs';
import { root } from './paths.mjs';
import { runAsScript, step } from './script.mjs';
import { requireTool } from './system-packages.mjs';

const requirement = 'synced-memory==0.1.3';
const folder = join(root, '.cache/python');
const windows = process.platform === 'win32';

/** The path of the interpreter that has the package. */
export const python = join(folder, windows ? 'Scripts/python.exe' : 'bin/python');

export function requirePython() {
  const [name, version] = requirement.split('==');
  const probe = `from importlib.metadata import version; assert version("${name}") == "${version}"`;
  if (existsSync(python) && output(python, ['-c', probe]) !== undefined) return;
  const system = windows ? 'python' : 'python3';
  // On Debian the modules that make an environment are a package of their own.
  const works = () => output(system, ['-c', 'import ensurepip, venv']) !== undefined;
  requireTool(system, { debian: ['python3', 'python3-venv'], macos: 'brew install python', works });
  step(`Python ${requirement} in .cache/python`);
  rmSync(folder, { recursive: true, force: true });
  run(system, ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', requirement], { hint: 'is the Python package index reachable?' });
}

await runAsScript(import.meta.url, requirePython);
