// The backends on which writers with a journal are killed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import { requireServerVersions } from '../../../scripts/server-versions.mjs';
import { Cluster } from '../../servers/cluster.mjs';
import { Watched } from '../../servers/sentinel.mjs';

/**
 * @typedef {{ url: string, stop(): Promise<void>, afterKill?(kill: number): Promise<void>, faults?(): string }} Backend
 *   `afterKill` is called after each kill, and `faults` says what it has done.
 */

/** The number of kills from one fail-over to the next. */
const FAIL_OVER_INTERVAL = 15;

/** @type {Record<string, () => Promise<Backend>>} */
export const journalBackends = {
  redis: () => startRedisServer(),
  cluster: () => Cluster.start(),
  sentinel,
  async file() {
    const folder = mkdtempSync(join(tmpdir(), 'synced-memory-kills-'));
    return {
      url: `file:${join(folder, 'memory.db')}`,
      stop: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

/** Servers that fail over again and again, while writers are killed. @returns {Promise<Backend>} */
async function sentinel() {
  const servers = await Watched.start();
  let failOvers = 0;
  /** Ends when the next fail-over is possible. */
  let current = Promise.resolve();
  const failOver = async () => {
    await servers.failOver();
    failOvers++;
    await servers.linked();
  };
  return {
    url: servers.url,
    async stop() {
      await current;
      await servers.stop();
    },
    async afterKill(kill) {
      if (kill % FAIL_OVER_INTERVAL !== 0) return;
      await current;
      current = failOver();
    },
    faults: () => `${failOvers} fail-overs`,
  };
}

/** Makes all servers that are started from now on those of another version. @param {string} version as in server-versions.mjs */
export function chooseServer(version) {
  const versions = requireServerVersions();
  const found = versions.find(({ name }) => name === version);
  if (found === undefined) {
    throw new Error(`--server takes one of ${versions.map(({ name }) => name).join(', ')}`);
  }
  process.env.SYNCED_MEMORY_TEST_SERVER = found.binary;
}
