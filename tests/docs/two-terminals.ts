import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * Runs a program twice at the same time, as in two terminals. Resolves to the process id of the first one, the second one's first
 * line, and the line that the first one prints then.
 */
export async function startTwice(file: string, options: SpawnOptions) {
  const first = start(file, options);
  const children = [first.child];
  try {
    await first.line();
    const second = start(file, options);
    children.push(second.child);
    return { first: first.child.pid, second: await second.line(), added: await first.line() };
  } finally {
    for (const child of children) {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
  }
}

/** Starts a program, and gives its lines one by one. */
function start(file: string, options: SpawnOptions): { child: ChildProcess; line: () => Promise<string> } {
  const child = spawn(process.execPath, [file], { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('the output is not a pipe');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${file} ended`);
      return value;
    },
  };
}
