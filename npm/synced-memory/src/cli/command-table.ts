import type { Command } from './command.js';
import { del } from './commands/del.js';
import { doctor } from './commands/doctor.js';
import { get } from './commands/get.js';
import { ls } from './commands/ls.js';
import { push } from './commands/push.js';
import { set } from './commands/set.js';
import { ttl } from './commands/ttl.js';
import { watch } from './commands/watch.js';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [ls, get, set, del, push, ttl, watch, doctor];
