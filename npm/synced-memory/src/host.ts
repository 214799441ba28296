/** What a global says that is not there everywhere. */
const globals = globalThis as {
  process?: NodeJS.Process;
  navigator?: { userAgent?: string };
  EdgeRuntime?: unknown;
};

/** The process, where this is one: undefined in runtimes that at most imitate Node's. */
export function hostProcess(): NodeJS.Process | undefined {
  const { process, navigator, EdgeRuntime } = globals;
  if (typeof process?.on !== 'function' || EdgeRuntime !== undefined) return undefined;
  return navigator?.userAgent === 'Cloudflare-Workers' ? undefined : process;
}

/** Tells whoever runs this, because nobody is there to be thrown at. */
export function warn(warning: Error | string, type?: string): void {
  const process = hostProcess();
  if (process !== undefined) process.emitWarning(warning, type);
  else console.warn(warning);
}
