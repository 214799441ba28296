import { type Command, commonOptions, type OptionSpec } from './command.js';

/** The help of the whole program: at most 24 lines of 80 characters, so that it fits a screen. */
export function helpText(commands: readonly Command[]): string {
  const lines = commands.map(({ name, usage, summary }) => row(`${name} ${usage}`, summary));
  return [
    'usage: synced-memory COMMAND [ARGUMENTS] [OPTIONS]',
    ...lines,
    `options: ${Object.keys(commonOptions).map(flag).join(' ')}`,
    'The server: --url, else SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST and REDIS_PORT,',
    'else the file .synced-memory/memory.db. Details: synced-memory COMMAND --help.',
    'exit codes: 0 done, 1 failed, 2 wrong usage, 3 not there, 4 no usable server',
  ].join('\n');
}

/** The help of one command. */
export function commandHelp({ name, usage, summary, details, options }: Command): string {
  const all: Record<string, OptionSpec> = { ...options, ...commonOptions };
  return [
    `usage: synced-memory ${`${name} ${usage}`.trim()} [OPTIONS]`,
    `${summary}`,
    '',
    ...details,
    '',
    ...Object.entries(all).map(([option, spec]) => row(optionUsage(option, spec), spec.summary)),
  ].join('\n');
}

const row = (left: string, right: string): string => `  ${left.trim().padEnd(23)} ${right}`;
const flag = (name: string): string => `--${name}`;

function optionUsage(name: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? '' : `-${short}, `}${flag(name)}${value === undefined ? '' : ` ${value}`}`;
}
