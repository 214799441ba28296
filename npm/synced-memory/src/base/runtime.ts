/** Globals that only some runtimes have. */
const globals = globalThis as {
  process?: NodeJS.Process;
  navigator?: { userAgent?: string };
  EdgeRuntime?: unknown;
};

/** The process of Node, Bun or Deno. Undefined in runtimes that imitate `process` or lack it. */
export function nodeProcess(): NodeJS.Process | undefined {
  const { process, navigator, EdgeRuntime } = globals;
  if (typeof process?.on !== 'function' || EdgeRuntime !== undefined) return undefined;
  return navigator?.userAgent === 'Cloudflare-Workers' ? undefined : process;
}

/** Longest name of a host that is kept, in bytes. */
const MAX_HOST_LENGTH = 64;

/** The name of this host, or else of the runtime; empty where neither is known. */
export function hostName(): string {
  const name = nodeProcess()?.getBuiltinModule?.('node:os').hostname() ?? globals.navigator?.userAgent ?? '';
  return name.slice(0, MAX_HOST_LENGTH);
}

/** Does an I/O object belong to one request here? True in workerd and in edge-light. */
export function bindsIoToRequests(): boolean {
  return globals.navigator?.userAgent === 'Cloudflare-Workers' || globals.EdgeRuntime !== undefined;
}

/** The most messages that {@link emitWarningOnce} remembers; the ones after it are not printed. */
const MAX_PRINTED = 100;
const printed = new Set<string>();

/** Calls {@link emitWarning} for the first warning with this message, in the life of the process. */
export function emitWarningOnce(warning: Error): void {
  if (printed.has(warning.message) || printed.size >= MAX_PRINTED) return;
  printed.add(warning.message);
  emitWarning(warning);
}

/** Prints one line on the standard error. */
export function printLine(line: string): void {
  const process = nodeProcess();
  if (process !== undefined) process.stderr.write(`${line}\n`);
  else console.warn(line);
}

/** Reports something that no call can throw: as a process warning where there are such, otherwise on the console. */
export function emitWarning(warning: Error | string, type?: string): void {
  const process = nodeProcess();
  if (process !== undefined) process.emitWarning(warning, type);
  else console.warn(warning);
}
