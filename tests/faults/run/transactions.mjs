// Counts what serialisable transactions must never show, while connections are killed: wrong sums, phantoms, and acknowledged
// writes that a later transaction misses. `npm run faults:transactions -- --rounds 100000 --seed 1` takes the full load.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import { randomNumbers } from './random.mjs';

const ACCOUNTS = 8;
const BALANCE = 1000;
/** Characters of a memo that makes a commit too large for a delta message. */
const LONG_MEMO = 20_000;
/** Transactions that one memory runs at the same time. */
const LANES = 8;
/** Attributes that are written and read by turns. */
const REGISTERS = 8;
/** Milliseconds between two kills, at most. */
const KILL_INTERVAL = 3000;

/**
 * @typedef {Memory<Record<string, any>>} AnyMemory
 * @typedef {{ url: string, rounds: number, random: (below: number) => number }} Load
 * @typedef {{ name: string, rounds: number, wrong: number }} Count
 */

/**
 * @param {{ rounds: number, seed: number }} options
 * @returns {Promise<{ counts: Count[], kills: number, seconds: number }>}
 */
export async function countAnomalies({ rounds, seed }) {
  const random = randomNumbers(seed);
  const server = await startRedisServer();
  const { url } = server;
  const start = performance.now();
  const killer = await startKilling(url, random);
  try {
    const counts = [];
    for (const experiment of [wrongSums, phantoms, missedWrites]) {
      counts.push(await experiment({ url, rounds, random }));
    }
    return { counts, kills: killer.count(), seconds: (performance.now() - start) / 1000 };
  } finally {
    await killer.stop();
    await server.stop();
  }
}

/** Sums over all accounts, beside transfers of two other memories. @param {Load} load @returns {Promise<Count>} */
async function wrongSums({ url, rounds, random }) {
  const memories = await openThree(url, '{sums}:');
  const [reader, ...writers] = memories;
  const names = Array.from({ length: ACCOUNTS }, (_, n) => `account${n}`);
  Object.assign(reader, Object.fromEntries(names.map((name) => [name, { balance: BALANCE, memo: '' }])));
  await reader.$flush();
  await Promise.all(writers.map((writer) => writer.$sync()));

  let done = false;
  const transfers = writers.map(async (writer) => {
    while (!done) {
      const [from = 0, to = 0] = [random(ACCOUNTS), random(ACCOUNTS)];
      const memo = random(10) === 0 ? 'x'.repeat(LONG_MEMO) : '';
      await writer.$transaction((draft) => {
        draft[`account${from}`].balance -= 1;
        draft[`account${to}`].balance += 1;
        draft[`account${to}`].memo = memo;
      });
    }
  });
  let wrong = 0;
  await inLanes(rounds, async () => {
    const sum = await reader.$transaction((draft) => names.reduce((total, name) => total + draft[name].balance, 0));
    if (sum !== ACCOUNTS * BALANCE) wrong++;
  });
  done = true;
  await Promise.all(transfers);
  await closeAll(memories);
  return { name: 'sums', rounds, wrong };
}

/** Two memories that each book a seat if nobody has booked one. @param {Load} load @returns {Promise<Count>} */
async function phantoms({ url, rounds }) {
  const memories = await openThree(url, '{seats}:');
  let wrong = 0;
  for (let round = 0; round < rounds; round++) {
    const bookings = memories.map((memory, guest) =>
      memory.$transaction((draft) => {
        if (Object.keys(draft).some((name) => name.startsWith(`seat${round}by`))) return false;
        draft[`seat${round}by${guest}`] = true;
        return true;
      }),
    );
    const booked = await Promise.all(bookings);
    if (booked.filter(Boolean).length !== 1) wrong++;
    for (const [guest, isBooked] of booked.entries()) if (isBooked) delete memories[guest]?.[`seat${round}by${guest}`];
  }
  await closeAll(memories);
  return { name: 'bookings', rounds, wrong };
}

/** A write that is acknowledged before a transaction of another memory begins. @param {Load} load @returns {Promise<Count>} */
async function missedWrites({ url, rounds, random }) {
  const memories = await openThree(url, '{registers}:');
  for (let n = 0; n < REGISTERS; n++) memories[0][`register${n}`] = { round: 0, memo: '' };
  await memories[0].$flush();
  await Promise.all(memories.map((memory) => memory.$sync()));
  let wrong = 0;
  await inLanes(rounds, async (round, lane) => {
    const name = `register${lane % REGISTERS}`;
    const writer = memories[random(memories.length)] ?? memories[0];
    const reader = memories[random(memories.length)] ?? memories[0];
    await writer.$transaction((draft) => {
      draft[name] = { round, memo: random(10) === 0 ? 'x'.repeat(LONG_MEMO) : '' };
    });
    if ((await reader.$transaction((draft) => draft[name].round)) !== round) wrong++;
  });
  await closeAll(memories);
  return { name: 'reads after an acknowledged write', rounds, wrong };
}

/** Three memories without a connection in common. @param {string} url @param {string} prefix */
async function openThree(url, prefix) {
  const urls = [url, url.replace('redis:', 'REDIS:'), url.replace('redis:', 'Redis:')];
  const onError = () => {};
  return /** @type {[AnyMemory, AnyMemory, AnyMemory]} */ (
    await Promise.all(urls.map((url) => Memory.open({ url, prefix, onError })))
  );
}

/** @param {readonly AnyMemory[]} memories */
const closeAll = (memories) => Promise.all(memories.map((memory) => memory.$close()));

/** Runs rounds in lanes that each take the next one. @param {number} rounds @param {(round: number, lane: number) => Promise<void>} run */
async function inLanes(rounds, run) {
  let next = 0;
  const lane = async (/** @type {number} */ number) => {
    while (next < rounds) await run(++next, number);
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
}

/** Kills all connections at random moments. @param {string} url @param {(below: number) => number} random */
async function startKilling(url, random) {
  const client = await createClient({ url }).connect();
  let kills = 0;
  let stopped = false;
  const killing = (async () => {
    while (!stopped) {
      await new Promise((resolve) => setTimeout(resolve, random(KILL_INTERVAL)));
      await client.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', random(2) === 0 ? 'normal' : 'pubsub']);
      kills++;
    }
  })();
  const stop = async () => {
    stopped = true;
    await killing;
    client.destroy();
  };
  return { count: () => kills, stop };
}

async function main() {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  });
  const { counts, kills, seconds } = await countAnomalies({ rounds: Number(values.rounds), seed: Number(values.seed) });
  for (const { name, rounds, wrong } of counts) console.log(`${name}: ${wrong} of ${rounds} wrong`);
  console.log(`${kills} kills of all connections, ${seconds.toFixed(0)} s, seed ${values.seed}`);
  if (counts.some(({ wrong }) => wrong > 0)) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
