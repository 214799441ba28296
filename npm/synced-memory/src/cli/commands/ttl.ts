import type { Command } from '../command.js';
import { absentError, usageError } from '../failure.js';
import { formatPath, parsePath, pathRules } from '../path-syntax.js';
import { print } from '../terminal.js';
import { withMemory } from '../with-memory.js';

/** Shows or changes the lifetime of an attribute. */
export const ttl: Command = {
  name: 'ttl',
  usage: 'PATH [SECONDS|none]',
  arity: [1, 2],
  summary: 'show, set or remove a lifetime',
  details: [
    ...pathRules.slice(0, 1),
    'Only whole attributes expire. Prints the seconds that are left, or "none" (with',
    '--json: null). Exit code 3: there is no such attribute.',
  ],

  async run(invocation) {
    const [pathText, lifetime] = invocation.args as [string, string | undefined];
    const { name, path } = parsePath(pathText);
    if (path.length > 0) throw usageError(`${pathText}: only whole attributes expire; the attribute is ${name}`);
    const seconds = lifetime === undefined || lifetime === 'none' ? undefined : Number(lifetime);
    if (seconds !== undefined && !(seconds > 0)) throw usageError(`${lifetime}: write seconds above 0, or none`);
    return withMemory(invocation, { names: [name] }, async ({ mem }) => {
      const absent = absentError(`there is no attribute ${formatPath([name])}`);
      if (lifetime === undefined) {
        if (!(name in mem)) throw absent;
        const left = await mem.$ttl(name);
        print(invocation.options.json === true ? String(left ?? null) : String(left ?? 'none'));
        return undefined;
      }
      const isThere = await (seconds === undefined ? mem.$persist(name) : mem.$expire(name, seconds));
      if (!isThere) throw absent;
      return undefined;
    });
  },
};
