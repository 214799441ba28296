// `npm run bench`: the figures that this project promises, against a server of its own.
import { cpus } from 'node:os';
import { build } from '../../scripts/build.mjs';
import { requireRedisServer, startRedisServer } from '../../scripts/redis-server.mjs';
import { runAsScript } from '../../scripts/script.mjs';

await runAsScript(import.meta.url, async () => {
  build();
  requireRedisServer();
  // Only now is everything installed that these import.
  const { connect } = await import('./contenders.mjs');
  const { acknowledgedPush } = await import('./acknowledged.mjs');
  const { burst } = await import('./burst.mjs');
  const { severalWriters } = await import('./writers.mjs');
  const { contention } = await import('./contention.mjs');
  const { live } = await import('./live.mjs');
  const { manyPending } = await import('./crowds.mjs');
  const { manyScopes } = await import('./scopes.mjs');
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
    await snapshots();
    client.destroy();
    untimed.destroy();
  } finally {
    await server.stop();
  }
});
