// What every script needs: the repository's folder, running a command, and ending with one line that says what to do.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A failure whose message is all that the user needs: no stack is printed. */
export class Failure extends Error {}

/** Runs `main` when `url` is the file that Node was started with. */
export async function runAsScript(url, main) {
  if (process.argv[1] !== fileURLToPath(url)) return;
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Failure ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}

/** npm is a `.cmd` on Windows, which only a shell starts. */
const shell = process.platform === 'win32';

/** Runs a command with the terminal's own output. `hint` says what to do when it fails. */
export function run(command, args, { hint = '', env = process.env } = {}) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell, env });
  if (error || status !== 0) {
    const what = error ? error.message : `exit code ${status}`;
    throw new Failure(`${command} ${args.join(' ')}: ${what}${hint && `; ${hint}`}`);
  }
}

/** The standard output of a command; undefined where it is missing or fails. */
export function output(command, args) {
  const { error, status, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8', shell });
  return error || status !== 0 ? undefined : stdout.trim();
}

/** Runs a command, shows its standard output and hands each line of it to `onLine`. Resolves to the exit code. */
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
