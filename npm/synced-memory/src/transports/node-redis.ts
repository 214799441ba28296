import { type Command, errorReply, type Reply, type Transport } from '../transport.js';
import { Listeners, LOOK_EVERY } from './listeners.js';

/** What of a connected client of the package `redis` (node-redis) is used. */
export interface NodeRedisClient {
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>;
  /** What it makes listens; without it, what others change shows with `$sync()`. */
  duplicate?(): NodeRedisSubscriber;
}

/** What of a client that listens is used. */
export interface NodeRedisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  readonly isOpen: boolean;
  destroy(): void;
}

/** A client of the package `redis`. It stays the caller's to connect and to close. */
export function nodeRedis(client: NodeRedisClient): Transport {
  // By RESP type: `$`, bulk strings, as bytes.
  const typeMapping = { 36: Buffer };
  const commands = {
    lookEvery: LOOK_EVERY,
    execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
      // A signal for each command: of many listeners to one, Node warns.
      const ends: AbortController[] = [];
      signal?.addEventListener('abort', () => {
        for (const end of ends) end.abort();
      });
      return Promise.all(
        commands.map((command) => {
          const args = command.map((argument) => (typeof argument === 'string' ? argument : Buffer.from(argument)));
          const end = new AbortController();
          if (signal?.aborted) end.abort();
          ends.push(end);
          return client.sendCommand(args, { typeMapping, abortSignal: end.signal }).catch(errorReply) as Promise<Reply>;
        }),
      );
    },
  };
  const listeners = new Listeners(async ({ message, lost }) => {
    const subscriber = (client as Required<NodeRedisClient>).duplicate();
    // It would connect again by itself, but not tell what it missed.
    const over = (error?: Error): void => {
      lost(error);
      close();
    };
    const close = (): void => {
      if (subscriber.isOpen) subscriber.destroy();
    };
    subscriber.on('error', over);
    await subscriber.connect();
    const told = (text: string, channel: string): void => message(channel, text);
    return {
      subscribe: (channel) => subscriber.subscribe(channel, told),
      unsubscribe: (channel) => subscriber.unsubscribe(channel),
      close,
    };
  }, commands);
  if (client.duplicate === undefined) return commands;
  return { ...commands, subscribe: (...args) => listeners.subscribe(...args) };
}
