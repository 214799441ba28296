import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Starts a Node program and resolves when it has printed `listening on <url>`. */
export async function startProgram(file: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${file} ended with code ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /^listening on (\S+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    url,
    /** Resolves to the exit code. */
    stop(): Promise<number | null> {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
