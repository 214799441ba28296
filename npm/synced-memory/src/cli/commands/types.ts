import type { Command } from '../command.js';
import { usageError } from '../failure.js';
import { describeInterface } from '../infer-types.js';
import { note, print } from '../terminal.js';
import { withMemory } from '../with-memory.js';

/** The same attributes by name: a server names them in no order. */
function sortKeys(snapshot: object): object {
  return Object.fromEntries(Object.entries(snapshot).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Prints a TypeScript interface of what the memory has. */
export const types: Command = {
  name: 'types',
  usage: '',
  arity: [0, 0],
  summary: 'print a TypeScript interface of the live data',
  options: { name: { type: 'string', value: 'NAME', summary: 'the name of the interface (State)' } },
  details: [
    'Types are what the values have now: a key that some elements of a list lack is',
    'optional, an empty list is unknown[], and a dict with many keys of one type is a',
    'Record. Use it as Memory.open<State>(…), and correct what the data cannot tell.',
  ],

  async run(invocation) {
    const name = String(invocation.options.name ?? 'State');
    if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name))
      throw usageError(`--name ${name}: write a name of TypeScript`);
    return withMemory(invocation, {}, async ({ mem, unreadable }) => {
      print(describeInterface(name, sortKeys(mem.$snapshot())));
      for (const { message } of unreadable.values()) note(`left out: ${message}`);
      return undefined;
    });
  },
};
