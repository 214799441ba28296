// `npm run bench`: the figures that this project promises, against a server of its own. `npm run bench -- local`: those of local work,
// beside libraries that observe, copy or replicate objects.
import { cpus } from 'node:os';
import { build } from '../../scripts/build.mjs';
import { run } from '../../scripts/command.mjs';
import { modifiedAt } from '../../scripts/paths.mjs';
import { requireRedisServer, startRedisServer } from '../../scripts/redis-server.mjs';
import { runAsScript } from '../../scripts/script.mjs';

await runAsScript(import.meta.url, async () => {
  await build();
  if (process.argv[2] === 'local') return compareLocalWork();
  requireRedisServer();
  // Only now is everything installed that these import.
  const { connect } = await import('./contenders.mjs');
  const { acknowledgedPush } = await import('./acknowledged.mjs');
  const { burst } = await import('./burst.mjs');
  const { severalWriters } = await import('./writers.mjs');
  const { contention } = await import('./contention.mjs');
  const { journalCost } = await import('./journal.mjs');
  const { live } = await import('./live.mjs');
  const { manyPending } = await import('./crowds.mjs');
  const { manyScopes } = await import('./scopes.mjs');
  const { historyCost } = await import('./history.mjs');
  const { telemetryCost } = await import('./telemetry.mjs');
  const { snapshots } = await import('./snapshots.mjs');

  const server = await startRedisServer();
  try {
    const client = await connect(server.url);
    const untimed = await connect(server.url, { timeout: 0 });
    const version = (await client.info('server')).match(/redis_version:(\S+)/)?.[1];
    console.log(
      `\nRedis ${version} on loopback, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}`,
    );
    await acknowledgedPush(server.url, client, untimed);
    await burst(server.url, untimed);
    await manyPending(server.url, untimed);
    await manyScopes(server.url, untimed);
    await severalWriters(server.url, untimed);
    await contention(server.url);
    await live(server.url, untimed);
    await journalCost(server.url);
    await historyCost(server.url);
    await telemetryCost(server.url);
    await snapshots();
    client.destroy();
    untimed.destroy();
  } finally {
    await server.stop();
  }
});

/** Installs the other libraries, which are no part of the workspace: nothing else needs them. */
function compareLocalWork() {
  const folder = 'tests/bench/peers';
  if (modifiedAt(`${folder}/node_modules/.package-lock.json`) < modifiedAt(`${folder}/package-lock.json`)) {
    run('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], { hint: 'is the npm registry reachable?' });
  }
  run(process.execPath, [`${folder}/local.mjs`, ...process.argv.slice(3)]);
}
