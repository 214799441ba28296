import type { Command, Reply, Transport } from '../engine/transport.js';
import { toErrorReply } from './error-reply.js';
import { POLL_INTERVAL_MS, SharedSubscriber } from './shared-subscriber.js';

/** The part of a connected client of the package `redis` (node-redis) that the transport uses. */
export interface NodeRedisClient {
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>;
  /** Makes the client for subscriptions. Without it, the memory finds changes of other writers by polling. */
  duplicate?(): NodeRedisSubscriber;
}

/** The part of a client for subscriptions that the transport uses. */
export interface NodeRedisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  readonly isOpen: boolean;
  destroy(): void;
}

/** A transport over a client of the package `redis`. The caller connects and closes the client. */
export function nodeRedis(client: NodeRedisClient): Transport {
  // Bulk strings, which have the RESP type `$`, as bytes.
  const typeMapping = { 36: Buffer };
  const commands = {
    pollIntervalMs: POLL_INTERVAL_MS,
    execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
      // One signal for each command: Node warns of many listeners on one signal.
      const controllers: AbortController[] = [];
      signal?.addEventListener('abort', () => {
        for (const controller of controllers) controller.abort();
      });
      return Promise.all(
        commands.map((command) => {
          const args = command.map((argument) => (typeof argument === 'string' ? argument : Buffer.from(argument)));
          const controller = new AbortController();
          if (signal?.aborted) controller.abort();
          controllers.push(controller);
          const options = { typeMapping, abortSignal: controller.signal };
          return client.sendCommand(args, options).catch(toErrorReply) as Promise<Reply>;
        }),
      );
    },
  };
  if (client.duplicate === undefined) return commands;
  const subscriber = new SharedSubscriber(async ({ message, lost }) => {
    const duplicate = (client as Required<NodeRedisClient>).duplicate();
    const close = (): void => {
      if (duplicate.isOpen) duplicate.destroy();
    };
    // The client must not reconnect by itself: the memory has to learn that it missed messages.
    duplicate.on('error', (error) => {
      lost(error);
      close();
    });
    await duplicate.connect();
    const listener = (text: string, channel: string): void => message(channel, text);
    return {
      subscribe: (channel) => duplicate.subscribe(channel, listener),
      unsubscribe: (channel) => duplicate.unsubscribe(channel),
      close,
    };
  }, commands);
  return { ...commands, subscribe: (...args) => subscriber.subscribe(...args) };
}
