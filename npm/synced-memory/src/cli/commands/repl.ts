import { inspect } from 'node:util';
import { SyncedMemoryError } from '../../base/errors.js';
import { snapshot } from '../../index.js';
import type { Command } from '../command.js';
import { note } from '../terminal.js';
import { withMemory } from '../with-memory.js';

/** A JavaScript prompt with the open memory. */
export const repl: Command = {
  name: 'repl',
  usage: '',
  arity: [0, 0],
  summary: 'a JavaScript prompt where `mem` is the open memory',
  details: [
    'mem is the open memory, and snapshot(x) gives a plain copy: mem.tasks.push(4),',
    "await mem.$increment('count'), mem.$status. Values print plainly, and errors",
    'without a stack trace. .exit or Ctrl-D stores what is pending, and ends.',
  ],

  async run(invocation) {
    return withMemory(invocation, { isWriter: true }, async ({ mem, flush }) => {
      const isTerminal = process.stdin.isTTY === true;
      if (invocation.options.quiet !== true) note('mem is the open memory; .exit ends');
      const { start } = await import('node:repl');
      const server = start({ prompt: isTerminal ? 'mem> ' : '', writer, ignoreUndefined: true });
      Object.assign(server.context, { mem, snapshot });
      await new Promise((resolve) => server.once('exit', resolve));
      await flush();
      return undefined;
    });
  },
};

function writer(value: unknown): string {
  if (value instanceof SyncedMemoryError) return `${value.code}: ${value.message}`;
  return inspect(value, { colors: process.stdout.isTTY === true, depth: 6 });
}
