import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer } from '../../scripts/redis-server.mjs';

/** A place to keep memories in, for one suite. */
export interface Backend {
  url: string;
  stop(): Promise<void>;
}

let memories = 0;

/** What every suite that is not about one backend runs on. */
export const backends: Record<'redis' | 'file' | 'memory', () => Promise<Backend>> = {
  redis: () => startRedisServer(),

  async file() {
    const folder = mkdtempSync(join(tmpdir(), 'synced-memory-file-'));
    return {
      url: `file:${join(folder, 'memory.db')}`,
      stop: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },

  memory: async () => ({ url: `memory://suite-${++memories}`, stop: async () => {} }),
};
