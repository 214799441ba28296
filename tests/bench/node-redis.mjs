// The client that looks at the server in benchmarks.
import { createClient } from 'redis';

/** @typedef {Awaited<ReturnType<typeof connect>>} NodeRedis */

/**
 * node-redis as it comes times every command, which costs it some 30 µs each and ends a burst that takes longer than 5 s;
 * `timeout` 0 turns that off.
 * @param {string} url
 * @param {{ timeout?: number }} [commandOptions]
 */
export async function connect(url, commandOptions = {}) {
  const client = createClient({ url, commandOptions });
  await client.connect();
  return client;
}
