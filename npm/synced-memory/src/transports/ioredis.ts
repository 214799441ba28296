import { type Command, errorReply, type Reply, type Transport } from '../transport.js';

/** What of a client of the package `ioredis` is used. */
export interface IoredisClient {
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
}

/** A client of the package `ioredis`. It stays the caller's to close. */
export function ioredis(client: IoredisClient): Transport {
  return {
    execute: (commands: Command[]): Promise<Reply[]> =>
      Promise.all(
        commands.map(([name, ...rest]) => {
          const args = rest.map((argument) => (typeof argument === 'string' ? argument : Buffer.from(argument)));
          return client.callBuffer(String(name), args).catch(errorReply) as Promise<Reply>;
        }),
      ),
  };
}
