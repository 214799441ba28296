import { maxHistoryEntries } from '../../memory/history-options.js';
import type { Command } from '../command.js';
import { usageError } from '../failure.js';
import { formatPath, parsePath, pathRules } from '../path-syntax.js';
import { withMemory } from '../with-memory.js';

/** Gives an attribute the value that it had at a revision. */
export const restore: Command = {
  name: 'restore',
  usage: 'PATH REVISION',
  arity: [2, 2],
  summary: 'bring back the value of an attribute at a revision',
  details: [
    ...pathRules.slice(0, 1),
    'Only whole attributes are restored, to a revision that history prints. What',
    'differs is changed by an ordinary commit, which is recorded. Revision 0 deletes.',
    'Exit code 3: the history does not lead to the revision.',
  ],

  async run(invocation) {
    const [pathText, revision] = invocation.args as [string, string];
    const { name, path } = parsePath(pathText);
    if (path.length > 0) {
      throw usageError(`${pathText}: only whole attributes can be restored; the attribute is ${formatPath([name])}`);
    }
    if (!/^\d{1,20}$/.test(revision)) throw usageError(`${revision} is no revision: take one that history prints`);
    // Writers with fewer entries cut the history again.
    const recorded = { max: maxHistoryEntries, names: [name] };
    return withMemory(invocation, { names: [name], history: recorded, isWriter: true }, async ({ mem, flush }) => {
      await mem.$restore(name, BigInt(revision));
      await flush();
      return undefined;
    });
  },
};
