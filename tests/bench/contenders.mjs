// The clients that are compared. Each appends one number to its own list on the same server and resolves when that is acknowledged.
import { createClient } from 'redis';

/**
 * @typedef {Awaited<ReturnType<typeof connect>>} NodeRedis
 * @typedef {{ name: string, push(): Promise<unknown> }} Contender
 */

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

/** @param {number} length */
const numbers = (length) => Array.from({ length }, (_, index) => index);

/**
 * @param {import('synced-memory').Memory<Record<string, number[]>>} mem
 * @param {number} length
 * @returns {Promise<Contender>}
 */
export async function ours(mem, length) {
  const name = `list${length}`;
  mem[name] = numbers(length);
  await mem.$flush();
  const list = /** @type {number[]} */ (mem[name]);
  return {
    name: 'synced-memory push + $flush',
    push() {
      list.push(7);
      return mem.$flush();
    },
  };
}

/**
 * @param {string} name
 * @param {NodeRedis} client
 * @param {number} length
 * @returns {Promise<Contender>}
 */
export async function rpush(name, client, length) {
  const key = `${name}:${length}`;
  const all = numbers(length).map(String);
  for (let at = 0; at < length; at += 10_000) await client.rPush(key, all.slice(at, at + 10_000));
  return { name, push: () => client.rPush(key, '7') };
}

/**
 * @param {NodeRedis} client
 * @param {number} length
 * @returns {Promise<Contender>}
 */
export async function wholeDocument(client, length) {
  const key = `whole:${length}`;
  await client.set(key, JSON.stringify(numbers(length)));
  return {
    name: 'GET, parse, push, stringify, SET',
    async push() {
      const list = JSON.parse((await client.get(key)) ?? '');
      list.push(7);
      await client.set(key, JSON.stringify(list));
    },
  };
}
