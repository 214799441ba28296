import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageFolder } from '../../scripts/paths.mjs';

/** The program of the command line, as npm's `synced-memory` starts it. */
const program = join(packageFolder, 'dist/cli/main.js');

/** The outcome of a command. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs command lines in an empty folder, without the variables of this machine that the package reads. */
export class CommandLine {
  readonly folder = mkdtempSync(join(tmpdir(), 'synced-memory-cli-'));

  constructor(private readonly variables: NodeJS.ProcessEnv = {}) {}

  /** The same folder with other variables. */
  with(variables: NodeJS.ProcessEnv): CommandLine {
    return Object.assign(new CommandLine({ ...this.variables, ...variables }), { folder: this.folder });
  }

  start(...args: string[]): ChildProcessWithoutNullStreams {
    return this.startProgram(program, args);
  }

  private startProgram(path: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    const { SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PREFIX, NODE_ENV, FORCE_COLOR, ...env } =
      process.env;
    return spawn(process.execPath, [path, ...args], { cwd: this.folder, env: { ...env, ...this.variables } });
  }

  /** Runs a command to its end. `input` is its standard input, `path` the program, such as a copy in another folder. */
  async run(args: readonly string[], input = '', path = program): Promise<Finished> {
    const child = this.startProgram(path, args);
    child.stdin.end(input);
    return finished(child);
  }

  /** The standard output of a command that must succeed. */
  async print(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout.trimEnd();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Resolves when the process has ended. */
export async function finished(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** The lines that a process prints, one after the other. */
export function linesOf(stream: NodeJS.ReadableStream): () => Promise<string> {
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return async () => (await lines.next()).value;
}
