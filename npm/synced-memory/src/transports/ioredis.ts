import type { Command, Reply, Transport } from '../engine/transport.js';
import { toErrorReply } from './error-reply.js';
import { POLL_INTERVAL_MS, SharedSubscriber } from './shared-subscriber.js';

/** The part of an ioredis client that the transport uses. */
export interface IoredisClient {
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  /** True for the client of a cluster, whose duplicates cannot be used for subscriptions. */
  readonly isCluster?: boolean;
  /** Makes the client for subscriptions. Without it, the memory finds changes of other writers by polling. */
  duplicate?(options: { lazyConnect: true; retryStrategy: () => null }): IoredisSubscriber;
}

/** The part of a client for subscriptions that the transport uses. */
export interface IoredisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  disconnect(): void;
}

/** A transport over a client of the package `ioredis`. The caller closes the client. */
export function ioredis(client: IoredisClient): Transport {
  const commands = {
    pollIntervalMs: POLL_INTERVAL_MS,
    isCluster: client.isCluster === true,
    execute: (commands: Command[]): Promise<Reply[]> =>
      Promise.all(
        commands.map(([name, ...rest]) => {
          const args = rest.map((argument) => (typeof argument === 'string' ? argument : Buffer.from(argument)));
          return client.callBuffer(String(name), args).catch(toErrorReply) as Promise<Reply>;
        }),
      ),
  };
  if (client.duplicate === undefined || client.isCluster) return commands;
  const subscriber = new SharedSubscriber(async ({ message, lost }) => {
    // The client must not reconnect by itself: the memory has to learn that it missed messages.
    const options = { lazyConnect: true, retryStrategy: () => null } as const;
    const duplicate = (client as Required<IoredisClient>).duplicate(options);
    duplicate.on('error', lost);
    duplicate.on('end', lost);
    duplicate.on('message', message);
    await duplicate.connect();
    return {
      subscribe: (channel) => duplicate.subscribe(channel),
      unsubscribe: (channel) => duplicate.unsubscribe(channel),
      close: () => duplicate.disconnect(),
    };
  }, commands);
  return { ...commands, subscribe: (...args) => subscriber.subscribe(...args) };
}
