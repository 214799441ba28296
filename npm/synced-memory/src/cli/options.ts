import { parseArgs } from 'node:util';
import { nearestName } from '../base/nearest-name.js';
import { type Command, commonOptions, type Invocation, type OptionSpec } from './command.js';
import { usageError } from './failure.js';

/** Keeps arguments such as -5, which are numbers, from being read as options. */
const NUMBER_MARK = '\0';

/** Parses a command line, whose command is undefined where it names none. Throws a usage error that suggests what may be meant. */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
): Omit<Invocation, 'command'> & { command: Command | undefined } {
  const all: Record<string, OptionSpec> = { ...commonOptions, version: { type: 'boolean', short: 'v', summary: '' } };
  for (const command of commands) Object.assign(all, command.options);
  const marked = argv.map((arg) => (/^-\.?\d/.test(arg) ? NUMBER_MARK + arg : arg));
  const { tokens, positionals } = parseArgs({
    args: marked,
    options: Object.fromEntries(
      Object.entries(all).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = tokens.filter((token) => token.kind === 'option');
  const misspelled = given.find((token) => !Object.hasOwn(all, token.name));
  if (misspelled !== undefined) throw unknownOption(misspelled.rawName, 'there is', Object.keys(all));
  const [name, ...args] = positionals.map(unmark);
  const command = name === undefined ? undefined : findCommand(name, commands);
  const options: Record<string, string | boolean> = {};
  for (const token of given) {
    const spec = all[token.name] as OptionSpec;
    const own = [...Object.keys({ ...commonOptions, ...command?.options }), 'version'];
    if (command !== undefined && !own.includes(token.name))
      throw unknownOption(token.rawName, `${command.name} has`, own);
    if (spec.type === 'string' && !token.value) throw usageError(`${token.rawName} needs a value: ${spec.value}`);
    if (spec.type === 'boolean' && token.value !== undefined) throw usageError(`${token.rawName} takes no value`);
    options[token.name] = token.value === undefined ? true : unmark(token.value);
  }
  if (command !== undefined && options.help !== true) checkArity(command, args);
  return { command, args, options };
}

const unmark = (arg: string): string => (arg.startsWith(NUMBER_MARK) ? arg.slice(1) : arg);

function findCommand(name: string, commands: readonly Command[]): Command | undefined {
  if (name === 'help') return undefined;
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const names = commands.map((each) => each.name);
  throw usageError(`there is no command "${name}"${suggestion(nearestName(name, names))}`);
}

function unknownOption(rawName: string, subject: string, known: readonly string[]): Error {
  const found = nearestName(rawName.replace(/^-+/, ''), known);
  return usageError(`${subject} no option ${rawName}${suggestion(found && `--${found}`)}`);
}

const suggestion = (name: string | undefined): string =>
  name === undefined ? '; `synced-memory --help` lists them' : `; did you mean ${name}?`;

function checkArity({ name, usage, arity: [least, most] }: Command, args: readonly string[]): void {
  if (args.length >= least && args.length <= most) return;
  const problem = args.length < least ? 'an argument is missing' : `${args[most]}: too many arguments`;
  const quoting = args.length > most && most > 0 ? '; quote one that has spaces' : '';
  throw usageError(`${problem}${quoting}; usage: synced-memory ${`${name} ${usage}`.trim()}`);
}
