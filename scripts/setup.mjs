// `npm run setup`: installs and builds all that `npm test` needs: the package, a Redis server, the Python package, other servers.
import { build } from './build.mjs';
import { requirePython } from './python-environment.mjs';
import { requireRedisServer } from './redis-server.mjs';
import { runAsScript } from './script.mjs';
import { requireServerVersions } from './server-versions.mjs';

export async function setup() {
  await build();
  requireRedisServer();
  requirePython();
  requireServerVersions();
}

await runAsScript(import.meta.url, setup);
