import { type Command, errorReply, type Reply, type Transport } from '../transport.js';

/** What of a connected client of the package `redis` (node-redis) is used. */
export interface NodeRedisClient {
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>;
}

/** A client of the package `redis`. It stays the caller's to connect and to close. */
export function nodeRedis(client: NodeRedisClient): Transport {
  // By RESP type: `$`, bulk strings, as bytes.
  const typeMapping = { 36: Buffer };
  return {
    execute: (commands: Command[], signal?: AbortSignal): Promise<Reply[]> =>
      Promise.all(
        commands.map((command) => {
          const args = command.map((argument) => (typeof argument === 'string' ? argument : Buffer.from(argument)));
          const options = { typeMapping, ...(signal === undefined ? {} : { abortSignal: signal }) };
          return client.sendCommand(args, options).catch(errorReply) as Promise<Reply>;
        }),
      ),
  };
}
