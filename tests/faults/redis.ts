import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer } from '../../scripts/redis-server.mjs';

/** A server that keeps its data and its port when it is killed: every acknowledged write is on disk. */
export class DurableRedis {
  private constructor(
    readonly port: number,
    private readonly folder: string,
  ) {}

  private server: Awaited<ReturnType<typeof startRedisServer>> | undefined;

  /** Picks a port and a folder; does not start anything yet. */
  static async prepare(): Promise<DurableRedis> {
    const port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    return new DurableRedis(port, mkdtempSync(join(tmpdir(), 'synced-memory-durable-')));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(...options: string[]): Promise<void> {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', this.folder];
    this.server = await startRedisServer(['--port', String(this.port), ...durable, ...options]);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.server?.stop();
    this.server = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Resolves when the event comes. */
export function once<T>(on: (listener: (payload: T) => void) => () => void): Promise<T> {
  return new Promise((resolve) => {
    const off = on((payload) => {
      off();
      resolve(payload);
    });
  });
}
