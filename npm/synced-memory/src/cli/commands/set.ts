import { readFileSync } from 'node:fs';
import type { Command } from '../command.js';
import { absentAt, findContainer } from '../find-value.js';
import { parseJsonArgument } from '../json-argument.js';
import { parsePath, pathRules } from '../path-syntax.js';
import { withMemory } from '../with-memory.js';

/** Stores a value at a path. */
export const set: Command = {
  name: 'set',
  usage: 'PATH JSON',
  arity: [2, 2],
  summary: 'store a value ("-": from the standard input)',
  details: [
    ...pathRules,
    'The list or dict around PATH must exist; an attribute need not. An index that is',
    "the list's length appends. A text needs its quotes: set title '\"Draft\"'.",
  ],

  async run(invocation) {
    const [pathText, json] = invocation.args as [string, string];
    const path = parsePath(pathText);
    const value = parseJsonArgument(json === '-' ? readFileSync(0, 'utf8') : json);
    return withMemory(invocation, { names: [path.name], isWriter: true }, async (open) => {
      const key = path.path.at(-1);
      if (key === undefined) open.mem[path.name] = value;
      else {
        const container = findContainer(open, path);
        const isPastEnd = Array.isArray(container) && !(Number(key) <= container.length);
        if (isPastEnd) throw absentAt(container, [path.name, ...path.path.slice(0, -1)], key);
        (container as Record<string | number, unknown>)[key] = value;
      }
      await open.flush();
      return undefined;
    });
  },
};
