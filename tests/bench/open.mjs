// Time for `open`: on a server that is there, through a killed connection, and where there is none.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Memory } from 'synced-memory';
import { freePort, startRedisServer } from '../../scripts/redis-server.mjs';
import { FaultProxy } from '../faults/run/proxy.mjs';

const ROUNDS = 15;
const TIMEOUT_MS = 1_000;

/** The median time of an opening, in milliseconds, and what it ended with. @param {() => Promise<string>} urlOf */
async function measure(name, urlOf) {
  const times = [];
  let end = '';
  for (let round = 0; round < ROUNDS; round++) {
    const url = await urlOf();
    const began = performance.now();
    end = await Memory.open({ url, openTimeout: TIMEOUT_MS, onError: () => {} }).then(
      async (mem) => {
        times.push(performance.now() - began);
        await mem.$close();
        return 'opened';
      },
      (error) => {
        times.push(performance.now() - began);
        return error.code;
      },
    );
  }
  times.sort((a, b) => a - b);
  console.log(
    `${name}: ${times[ROUNDS >> 1].toFixed(1)} ms (${times[0].toFixed(1)} to ${times.at(-1).toFixed(1)}), ${end}`,
  );
}

const server = await startRedisServer();
const proxy = await new FaultProxy(server.port).listen();
const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
const greeting = createServer((socket) => socket.on('error', () => {}).write('SSH-2.0-OpenSSH\r\n')).listen(
  0,
  '127.0.0.1',
);
await Promise.all([once(silent, 'listening'), once(greeting, 'listening')]);
const port = (of) => `redis://127.0.0.1:${of.address().port}`;
const dead = `redis://127.0.0.1:${await freePort()}`;
const killedAt = (byte) => async () => {
  void proxy.cutRepliesAt(byte);
  return `redis://127.0.0.1:${proxy.port}`;
};

await measure('a server', async () => server.url);
await measure('the connection is killed in the greeting', killedAt(10));
await measure('the connection is killed while it loads', killedAt(600));
await measure(`a dead port, openTimeout ${TIMEOUT_MS}`, async () => dead);
await measure(`a silent port, openTimeout ${TIMEOUT_MS}`, async () => port(silent));
await measure('a server of SSH', async () => port(greeting));
process.exit();
