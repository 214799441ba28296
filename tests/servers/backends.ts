import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { Cluster } from './cluster.mjs';
import { Watched } from './sentinel.mjs';

/** A backend for one suite. */
export interface Backend {
  url: string;
  stop(): Promise<void>;
}

/** True on the wasm build (see vitest.config.ts), which has no files and no blocking calls. */
export const onWasm = process.env.SYNCED_MEMORY_BUILD === 'wasm';

/** The same backend by a different URL, so that its memories share no connection with those of the first URL. */
export const apart = (url: string): string => url.replace(/^[a-z]+/, (scheme) => scheme.toUpperCase());

type Kind = 'redis' | 'cluster' | 'sentinel' | 'file' | 'memory';

const withServer: readonly Kind[] = onWasm ? ['redis'] : ['redis', 'cluster', 'sentinel'];
const withoutServer: readonly Kind[] = onWasm ? ['memory'] : ['file', 'memory'];

/** True on another version of the server, where tests that do not depend on it are left out. */
export const onOtherServer = process.env.SYNCED_MEMORY_TEST_SERVER !== undefined;

/** The backends under test. On another version of the server, only those that use it. */
export const kinds = onOtherServer ? withServer : [...withServer, ...withoutServer];

/** The kinds among these that are under test. */
export const among = <K extends Kind>(...wanted: K[]): K[] => wanted.filter((kind) => kinds.includes(kind));

let memories = 0;

/** The backends of every suite that is not about a single one. */
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
