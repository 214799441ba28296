import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { python, requirePython } from '../../scripts/python-environment.mjs';

const driver = fileURLToPath(new URL('driver.py', import.meta.url));

/** One Python process with the package `synced-memory`, which runs code and answers with values. */
export class Python {
  private readonly answers: AsyncIterator<string>;

  private constructor(private readonly child: ChildProcess) {
    if (!child.stdout) throw new Error('no standard output');
    this.answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts it on the server at `port`. */
  static start(port: number): Python {
    requirePython();
    return new Python(spawn(python, [driver, '127.0.0.1', String(port)], { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  /** Runs a statement or evaluates an expression; see driver.py for the names it may use. One call at a time. */
  async run(code: string): Promise<unknown> {
    this.child.stdin?.write(`${JSON.stringify({ code })}\n`);
    const { value: line } = await this.answers.next();
    if (line === undefined) throw new Error('the Python process ended');
    const answer: { value?: unknown; error?: string } = JSON.parse(line);
    if (answer.error !== undefined) throw new Error(`${code}: ${answer.error}`);
    return answer.value;
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill();
    await exit;
  }
}
