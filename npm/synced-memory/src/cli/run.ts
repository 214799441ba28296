import { readFileSync } from 'node:fs';
import { keepProcessAlive } from '../base/process-exit.js';
import { commands } from './command-table.js';
import { EXIT, exitCodeOf, isSystemError } from './failure.js';
import { commandHelp, helpText } from './help-text.js';
import { parseCommandLine } from './options.js';
import { endOnClosedOutput, note, print, styled } from './terminal.js';

/** Runs a command line, and sets the exit code of the process. */
export async function run(argv: readonly string[]): Promise<void> {
  endOnClosedOutput();
  try {
    // Neither a memory nor its listeners keep the process alive.
    process.exitCode = await keepProcessAlive(runCommand(argv));
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    note(describeError(error, argv.includes('--json')));
  }
}

async function runCommand(argv: readonly string[]): Promise<number> {
  const { command, args, options } = parseCommandLine(argv, commands);
  if (options.version === true) {
    print(packageVersion());
    return EXIT.ok;
  }
  if (command === undefined) {
    const asked = commands.find(({ name }) => name === args[0]);
    const isAsked = options.help === true || argv.includes('help');
    // Without anything to do, the help is an answer to a mistake.
    (isAsked ? print : note)(asked === undefined ? helpText(commands) : commandHelp(asked));
    return isAsked ? EXIT.ok : EXIT.usage;
  }
  if (options.help === true) {
    print(commandHelp(command));
    return EXIT.ok;
  }
  return (await command.run({ command, args, options })) ?? EXIT.ok;
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

/** The message of an error; the stack trace, too, where the error is one of this program. */
function describeError(error: unknown, isJson: boolean): string {
  const { code, message, stack } = Object(error) as { code?: string; message?: string; stack?: string };
  const isExpected = code?.startsWith('ERR_') === true || isSystemError(error);
  if (isJson) return JSON.stringify({ error: { code: code ?? 'ERR_INTERNAL', message: message ?? String(error) } });
  return `${styled('red', 'synced-memory:', process.stderr)} ${isExpected ? message : (stack ?? String(error))}`;
}
