import type { Command } from './command.js';
import { get } from './commands/get.js';
import { ls } from './commands/ls.js';
import { set } from './commands/set.js';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [ls, get, set];
