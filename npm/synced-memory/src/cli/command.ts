/** An option of the command line. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** One letter, as `h` for `-h`. */
  readonly short?: string;
  /** The name of its value in the help, such as `URL`. */
  readonly value?: string;
  readonly summary: string;
}

/** A parsed command line. */
export interface Invocation {
  readonly command: Command;
  /** The arguments after the command's name. */
  readonly args: readonly string[];
  /** The option's text, or true for one without a value; undefined where it is not given. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** A command of `npx synced-memory`. */
export interface Command {
  readonly name: string;
  /** Its arguments, as the help writes them: `PATH JSON...`. */
  readonly usage: string;
  /** The smallest and the greatest number of arguments. */
  readonly arity: readonly [least: number, most: number];
  /** A description that fits a line of the help. */
  readonly summary: string;
  /** Its options besides those that every command has. */
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** Further lines of its own help. */
  readonly details: readonly string[];
  /** Runs the command. Resolves to the exit code; undefined stands for 0. */
  run(invocation: Invocation): Promise<number | undefined>;
}

/** The options that every command has. */
export const commonOptions = {
  url: { type: 'string', value: 'URL', summary: 'the server or file; else from the environment' },
  prefix: { type: 'string', value: 'TEXT', summary: 'the start of every key; else REDIS_PREFIX, or memory:' },
  scope: { type: 'string', value: 'NAME', summary: 'the scope, as of PrefixedMemory or $scope' },
  timeout: { type: 'string', value: 'SECONDS', summary: 'the longest wait for the server (10)' },
  json: { type: 'boolean', summary: 'print JSON, errors too' },
  quiet: { type: 'boolean', short: 'q', summary: 'do not say which server is used' },
  help: { type: 'boolean', short: 'h', summary: 'print this help' },
} as const satisfies Record<string, OptionSpec>;
