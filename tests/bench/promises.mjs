// The figures that this project promises of itself, each with its target: `npm run bench -- promises`.
import { contention } from './contention.mjs';
import { manyPending } from './crowds.mjs';
import { historyCost } from './history.mjs';
import { journalCost } from './journal.mjs';
import { live } from './live.mjs';
import { connect } from './node-redis.mjs';
import { manyScopes } from './scopes.mjs';
import { snapshots } from './snapshots.mjs';
import { telemetryCost } from './telemetry.mjs';
import { severalWriters } from './writers.mjs';

/** @param {string} url */
export async function promises(url) {
  const untimed = await connect(url, { timeout: 0 });
  await manyPending(url, untimed);
  await manyScopes(url, untimed);
  await severalWriters(url, untimed);
  await contention(url);
  await live(url, untimed);
  await journalCost(url);
  await historyCost(url);
  await telemetryCost(url);
  await snapshots();
  untimed.destroy();
}
