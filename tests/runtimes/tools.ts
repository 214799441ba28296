import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../scripts/paths.mjs';

/** The folder of a project with quick tools, in which setup.ts has installed the packed package. */
export const tools = join(root, '.cache/runtimes/tools');

/** Loads a package of the project. */
export const load = createRequire(join(tools, 'index.js'));

/** The path of a program that a package of the project brings. */
export const program = (name: string): string => join(tools, 'node_modules/.bin', name);

/** Resolves to the standard output of a command in `cwd`. It does not inherit the variables that the package reads. */
export async function printed(command: string, args: string[], cwd: string = tools, extra = {}): Promise<string> {
  const { SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PREFIX, NODE_ENV, NODE_OPTIONS, ...env } =
    process.env;
  const running = promisify(execFile)(command, args, { cwd, env: { ...env, ...extra } });
  const { stdout } = await running.catch((error) => {
    // The output of a failing bundle begins with all of its source.
    throw Object.assign(
      new Error(`${command} ${args.join(' ')}\n${(error.stdout + error.stderr).slice(-4000)}`),
      error,
    );
  });
  return stdout.trim();
}
