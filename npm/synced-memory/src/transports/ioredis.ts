import { type Command, errorReply, type Reply, type Transport } from '../transport.js';
import { Listeners, LOOK_EVERY } from './listeners.js';

/** What of a client of the package `ioredis` is used. */
export interface IoredisClient {
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  /** One of a cluster's makes others, which are not asked to listen. */
  readonly isCluster?: boolean;
  /** What it makes listens; without it, what others change shows with `$sync()`. */
  duplicate?(options: { lazyConnect: true; retryStrategy: () => null }): IoredisSubscriber;
}

/** What of a client that listens is used. */
export interface IoredisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  disconnect(): void;
}

/** A client of the package `ioredis`. It stays the caller's to close. */
export function ioredis(client: IoredisClient): Transport {
  const commands = {
    lookEvery: LOOK_EVERY,
    execute: (commands: Command[]): Promise<Reply[]> =>
      Promise.all(
        commands.map(([name, ...rest]) => {
          const args = rest.map((argument) => (typeof argument === 'string' ? argument : Buffer.from(argument)));
          return client.callBuffer(String(name), args).catch(errorReply) as Promise<Reply>;
        }),
      ),
  };
  const listeners = new Listeners(async ({ message, lost }) => {
    // It would connect again by itself, but not tell what it missed.
    const options = { lazyConnect: true, retryStrategy: () => null } as const;
    const subscriber = (client as Required<IoredisClient>).duplicate(options);
    subscriber.on('error', lost);
    subscriber.on('end', lost);
    subscriber.on('message', message);
    await subscriber.connect();
    return {
      subscribe: (channel) => subscriber.subscribe(channel),
      unsubscribe: (channel) => subscriber.unsubscribe(channel),
      close: () => subscriber.disconnect(),
    };
  }, commands);
  if (client.duplicate === undefined || client.isCluster) return commands;
  return { ...commands, subscribe: (...args) => listeners.subscribe(...args) };
}
