// All that `npm test` needs: the built package, a Redis server and the Python package.
import { build } from './build.mjs';
import { requirePython } from './python.mjs';
import { requireRedisServer } from './redis-server.mjs';
import { runAsScript } from './run.mjs';

export function setup() {
  build();
  requireRedisServer();
  requirePython();
}

await runAsScript(import.meta.url, setup);
