// Starts Redis servers for tests, demo and bench: each on a free port, in a temporary folder that is removed afterwards.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { output } from './command.mjs';
import { requireTool } from './system-packages.mjs';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Makes sure that `redis-server` is on the path. */
export function requireRedisServer() {
  const installed = requireTool('redis-server', { debian: ['redis-server'], macos: 'brew install redis' });
  // Debian would start a server of its own at the next boot.
  if (installed) output('systemctl', ['disable', 'redis-server']);
}

/**
 * Starts `redis-server` and resolves when it accepts connections.
 * @param {string[]} [options] further server options, such as `['--requirepass', 'secret']`
 * @returns {Promise<{ port: number, url: string, signal(name: NodeJS.Signals): void, stop(): Promise<void> }>}
 */
export async function startRedisServer(options = []) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-redis-'));
  const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no'];
  // The suite `servers` runs the tests on other servers.
  const binary = process.env.SYNCED_MEMORY_TEST_SERVER ?? 'redis-server';
  const child = spawn(binary, [...fixed, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  // The server must not outlive a parent that throws or is interrupted.
  const kill = () => child.kill('SIGKILL');
  const interrupted = () => process.exit(1);
  process.once('exit', kill);
  // Node ends on these signals without an exit event, unless there is a listener.
  for (const signal of signals) process.once(signal, interrupted);
  await accepting(child);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    /** Sends a signal: SIGSTOP makes the server unresponsive without closing a connection, SIGCONT ends that. */
    signal: (name) => void child.kill(name),
    async stop() {
      process.off('exit', kill);
      for (const signal of signals) process.off(signal, interrupted);
      kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Resolves when the server reports that it is ready. Goes on reading its log, which would fill the pipe otherwise.
 * @returns {Promise<void>}
 */
function accepting(child) {
  return new Promise((resolve, reject) => {
    const log = [];
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      if (log.length < 100) log.push(line);
      if (line.includes('Ready to accept connections')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}:\n${log.join('\n')}`)));
  });
}

/**
 * Listens on a port for a moment and resolves to it; 0 stands for any free one.
 * @param {number} port
 * @returns {Promise<number>}
 */
function listen(port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(port, '127.0.0.1', () => {
      const { port: given } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      probe.close(() => resolve(given));
    });
  });
}

export const freePort = () => listen(0);

/**
 * Resolves to whether a server can listen on this port.
 * @param {number} port
 */
export const isFree = (port) =>
  listen(port).then(
    () => true,
    () => false,
  );
