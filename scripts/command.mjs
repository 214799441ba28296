// Runs commands in the folder of the repository.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { root } from './paths.mjs';
import { Failure } from './script.mjs';

/** On Windows npm is a `.cmd` file, which only a shell starts. */
const needsShell = (command) => process.platform === 'win32' && command === 'npm';

/** Runs a command that writes to the terminal. Throws where it fails; `hint` says what to do then. */
export function run(command, args, { hint = '', env = process.env } = {}) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: needsShell(command), env });
  if (error || status !== 0) {
    const what = error ? error.message : `exit code ${status}`;
    throw new Failure(`${command} ${args.join(' ')}: ${what}${hint && `; ${hint}`}`);
  }
}

/** Returns the standard output of a command; undefined where the command is missing or fails. */
export function output(command, args) {
  const { error, status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    shell: needsShell(command),
  });
  return error || status !== 0 ? undefined : stdout.trim();
}

/** Runs a command, prints its standard output and passes each line of it to `onLine`. Resolves to the exit code. */
export async function runLines(command, args, onLine) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`error: ${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    onLine(line);
  }
  return exit;
}
