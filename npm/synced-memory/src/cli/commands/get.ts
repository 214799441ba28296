import type { Command } from '../command.js';
import { findValue } from '../find-value.js';
import { printCompact, printPretty } from '../json-printer.js';
import { parsePath, pathRules } from '../path-syntax.js';
import { print } from '../terminal.js';
import { withMemory } from '../with-memory.js';

/** Prints the value at a path. */
export const get: Command = {
  name: 'get',
  usage: 'PATH',
  arity: [1, 1],
  summary: 'print a value as JSON',
  options: { raw: { type: 'boolean', summary: 'print a text without its quotes' } },
  details: [...pathRules, 'With --json, the value is on one line. Exit code 3: there is nothing at PATH.'],

  async run(invocation) {
    const { args, options } = invocation;
    const path = parsePath(args[0] as string);
    return withMemory(invocation, { names: [path.name] }, async (open) => {
      const value = findValue(open, path);
      if (options.raw === true && typeof value === 'string') print(value);
      else print(options.json === true ? printCompact(value, [path.name, ...path.path]) : printPretty(value));
      return undefined;
    });
  },
};
