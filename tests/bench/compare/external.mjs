// Contenders that are programs of their own: the Python package and redis-benchmark.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { python } from '../../../scripts/python-environment.mjs';

/** A process with the Python package, on the server at `port`. @param {number} port */
export function startPython(port) {
  const program = fileURLToPath(new URL('python-work.py', import.meta.url));
  const child = spawn(python, [program, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** Runs statements so many times. Resolves to the microseconds of each. @param {string} code @param {number} calls */
    async run(code, calls) {
      child.stdin.write(`${JSON.stringify({ code, calls })}\n`);
      const { value: line } = await lines.next();
      if (line === undefined) throw new Error('the Python process ended');
      return /** @type {number[]} */ (JSON.parse(line));
    },
    async stop() {
      const exit = once(child, 'exit');
      child.stdin.end();
      await exit;
    },
  };
}

/**
 * Runs redis-benchmark with a command, and resolves to its requests per second and its median latency in microseconds.
 * @param {number} port @param {string[]} options @param {string[]} command
 */
export async function redisBenchmark(port, options, command) {
  const child = spawn('redis-benchmark', ['-p', String(port), '--csv', ...options, ...command]);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  const [head = [], values = []] = text
    .trim()
    .split('\n')
    .map((line) => line.split('","').map((field) => field.replaceAll('"', '')));
  const value = (/** @type {string} */ name) => Number(values[head.indexOf(name)]);
  return { rate: value('rps'), p50: value('p50_latency_ms') * 1000 };
}
