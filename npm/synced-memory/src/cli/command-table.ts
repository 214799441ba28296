import type { Command } from './command.js';
import { bench } from './commands/bench.js';
import { completionOf } from './commands/completion.js';
import { del } from './commands/del.js';
import { doctor } from './commands/doctor.js';
import { exportCommand } from './commands/export.js';
import { get } from './commands/get.js';
import { history } from './commands/history.js';
import { importCommand } from './commands/import.js';
import { inspect } from './commands/inspect.js';
import { ls } from './commands/ls.js';
import { push } from './commands/push.js';
import { repl } from './commands/repl.js';
import { restore } from './commands/restore.js';
import { set } from './commands/set.js';
import { size } from './commands/size.js';
import { ttl } from './commands/ttl.js';
import { types } from './commands/types.js';
import { watch } from './commands/watch.js';

const withoutCompletion: readonly Command[] = [
  ...[ls, get, set, del, push, ttl, watch, history, restore],
  ...[doctor, size, exportCommand, importCommand, types, repl, bench, inspect],
];

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [...withoutCompletion, completionOf(withoutCompletion)];
