import type { Command } from '../command.js';
import { CommandError } from '../failure.js';
import { findLiveValue, typeName } from '../find-value.js';
import { parseJsonArgument } from '../json-argument.js';
import { formatPath, parsePath, pathRules } from '../path-syntax.js';
import { withMemory } from '../with-memory.js';

/** Appends to a list. */
export const push: Command = {
  name: 'push',
  usage: 'PATH JSON...',
  arity: [2, Number.POSITIVE_INFINITY],
  summary: 'append to a list',
  details: [
    ...pathRules,
    'An attribute that is absent becomes a list. The values are appended together, in',
    'one commit, whatever other processes append meanwhile.',
  ],

  async run(invocation) {
    const [pathText, ...texts] = invocation.args as [string, ...string[]];
    const path = parsePath(pathText);
    const values = texts.map(parseJsonArgument);
    // The server creates an absent list, so that two processes do not replace each other's.
    const options = path.path.length === 0 ? { defaults: { [path.name]: [] } } : {};
    return withMemory(invocation, { names: [path.name], ...options, isWriter: true }, async (open) => {
      const list = findLiveValue(open, path);
      if (!Array.isArray(list)) {
        throw new CommandError(`${formatPath([path.name, ...path.path])} is ${typeName(list)}, not a list`);
      }
      list.push(...values);
      await open.flush();
      return undefined;
    });
  },
};
