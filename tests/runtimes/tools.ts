import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../scripts/run.mjs';

/** A project with quick tools, in which the packed package is installed: see setup.ts. */
export const tools = join(root, '.cache/runtimes/tools');

/** Loads a package of that project. */
export const load = createRequire(join(tools, 'index.js'));

/** The program that a package of that project brings. */
export const program = (name: string): string => join(tools, 'node_modules/.bin', name);

/** Standard output of a command in `cwd`, without settings of this machine's that the package reads. */
export async function printed(command: string, args: string[], cwd: string = tools, extra = {}): Promise<string> {
  const { SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PREFIX, NODE_ENV, NODE_OPTIONS, ...env } =
    process.env;
  const running = promisify(execFile)(command, args, { cwd, env: { ...env, ...extra } });
  const { stdout } = await running.catch((error) => {
    // What a bundle says that fails begins with all of its source.
    throw Object.assign(
      new Error(`${command} ${args.join(' ')}\n${(error.stdout + error.stderr).slice(-4000)}`),
      error,
    );
  });
  return stdout.trim();
}
