import type { Command } from '../command.js';
import { absentError } from '../failure.js';
import { absentAt, findContainer, hasKey } from '../find-value.js';
import { formatPath, parsePath, pathRules } from '../path-syntax.js';
import { withMemory } from '../with-memory.js';

/** Removes what is at a path. */
export const del: Command = {
  name: 'del',
  usage: 'PATH',
  arity: [1, 1],
  summary: 'remove an attribute, a key, or an element of a list',
  details: [
    ...pathRules,
    'Elements behind a removed one move up. An attribute whose stored text cannot be',
    'read is removed, too. Exit code 3: there is nothing at PATH.',
  ],

  async run(invocation) {
    const path = parsePath(invocation.args[0] as string);
    return withMemory(invocation, { names: [path.name] }, async (open) => {
      const key = path.path.at(-1);
      if (key === undefined) {
        if (!(path.name in open.mem)) throw absentError(`there is no attribute ${formatPath([path.name])}`);
        delete open.mem[path.name];
      } else {
        const container = findContainer(open, path);
        if (!hasKey(container, key)) throw absentAt(container, [path.name, ...path.path.slice(0, -1)], key);
        if (Array.isArray(container)) container.splice(Number(key), 1);
        else delete container[key];
      }
      await open.flush();
      return undefined;
    });
  },
};
