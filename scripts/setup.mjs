// All that `npm test` needs: the built package, a Redis server, the Python package and further servers.
import { build } from './build.mjs';
import { requireOtherServers } from './other-servers.mjs';
import { requirePython } from './python.mjs';
import { requireRedisServer } from './redis-server.mjs';
import { runAsScript } from './run.mjs';

export function setup() {
  build();
  requireRedisServer();
  requirePython();
  requireOtherServers();
}

await runAsScript(import.meta.url, setup);
