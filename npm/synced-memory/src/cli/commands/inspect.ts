import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from '../command.js';
import { CommandError, usageError } from '../failure.js';
import { print } from '../terminal.js';
import { withMemory } from '../with-memory.js';

const PACKAGE = 'synced-memory-inspector';

/** Opens a page that shows the memory. */
export const inspect: Command = {
  name: 'inspect',
  usage: '',
  arity: [0, 0],
  summary: 'show the memory on a page in the browser',
  options: {
    write: { type: 'boolean', summary: 'let the page change values' },
    port: { type: 'string', value: 'PORT', summary: 'the port on 127.0.0.1 (any free one)' },
  },
  details: [
    `The page is served by the package ${PACKAGE}, on 127.0.0.1 and`,
    'behind a token, until Ctrl-C. Without --write it only reads. If the package is',
    'not installed, the command that installs it is printed.',
  ],

  async run(invocation) {
    const { write, port } = invocation.options;
    const number = Number(port ?? 0);
    if (!(Number.isInteger(number) && number >= 0 && number < 65_536)) throw usageError(`--port ${port}: write a port`);
    const { serveInspector } = await loadInspector();
    return withMemory(invocation, { isWriter: write === true }, async ({ mem }) => {
      const served = await serveInspector(mem, { write: write === true, port: number });
      const ended = new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      });
      print(served.url);
      await ended;
      await served.close();
      return undefined;
    });
  },
};

/** The part of the inspector's package that this command uses. */
interface Inspector {
  /** Serves the page on 127.0.0.1. `url` has the token. */
  serveInspector(
    mem: object,
    options: { write: boolean; port: number },
  ): Promise<{ url: string; close(): Promise<void> }>;
}

/** Loads the package from the project in the working directory, or from beside this one. */
async function loadInspector(): Promise<Inspector> {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    let path: string;
    try {
      path = createRequire(from).resolve(PACKAGE);
    } catch {
      // It is not installed there.
      continue;
    }
    return import(pathToFileURL(path).href) as Promise<Inspector>;
  }
  throw new CommandError(
    `the inspector is a package of its own; install it with:\n  npm install --save-dev ${PACKAGE}`,
  );
}
