import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { Cluster } from './cluster.js';
import { Watched } from './sentinel.js';

/** A place to keep memories in, for one suite. */
export interface Backend {
  url: string;
  stop(): Promise<void>;
}

/** The wasm build (see vitest.config.ts) has all that the addon has, but no files, and nothing that blocks. */
export const onWasm = process.env.SYNCED_MEMORY_BUILD === 'wasm';

/** The same place by a URL that looks different: a memory of it shares no connection with those of the other URL. */
export const apart = (url: string): string => url.replace(/^[a-z]+/, (scheme) => scheme.toUpperCase());

type Kind = 'redis' | 'cluster' | 'sentinel' | 'file' | 'memory';

export const kinds: readonly Kind[] = onWasm ? ['redis', 'memory'] : ['redis', 'cluster', 'sentinel', 'file', 'memory'];

let memories = 0;

/** What every suite that is not about one backend runs on. */
export const backends: Record<Kind, () => Promise<Backend>> = {
  redis: () => startRedisServer(),
  cluster: () => Cluster.start(),
  sentinel: () => Watched.start(),

  async file() {
    const folder = mkdtempSync(join(tmpdir(), 'synced-memory-file-'));
    return {
      url: `file:${join(folder, 'memory.db')}`,
      stop: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },

  memory: async () => ({ url: `memory://suite-${++memories}`, stop: async () => {} }),
};
