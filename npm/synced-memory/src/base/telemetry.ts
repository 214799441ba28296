import type {
  CommitTrace,
  ConnectionTrace,
  MergeTrace,
  OpenTrace,
  RejectTrace,
  ResyncTrace,
  TraceSource,
  WithError,
} from './traces.js';

/**
 * A channel of `node:diagnostics_channel`, as far as it is used. With Node's own type, every program that uses this package would
 * need `@types/node`.
 */
interface Channel<Context> {
  readonly hasSubscribers: boolean;
  publish(context: Context): void;
  runStores<Result>(context: Context, run: () => Result): Result;
  subscribe(listener: (message: unknown) => void): void;
  unsubscribe(listener: (message: unknown) => void): void;
}

/** A tracing channel: the channels of the steps of an operation. */
interface TracingChannel<Context>
  extends Record<'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error', Channel<Context>> {
  traceSync<Result>(run: () => Result, context: Context): Result;
  tracePromise<Result>(run: () => Promise<Result>, context: Context): Promise<Result>;
}

/** The tracing channels of `node:diagnostics_channel`. */
export interface TelemetryChannels {
  readonly open: TracingChannel<OpenTrace>;
  readonly commit: TracingChannel<CommitTrace>;
  readonly merge: TracingChannel<MergeTrace>;
  readonly resync: TracingChannel<ResyncTrace>;
  readonly reject: TracingChannel<RejectTrace>;
  readonly connection: TracingChannel<ConnectionTrace>;
}

export type TelemetryName = keyof TelemetryChannels;

let channels: TelemetryChannels | undefined;

/** The channels; undefined in runtimes without `node:diagnostics_channel` or `process.getBuiltinModule`. */
export function telemetryChannels(): TelemetryChannels | undefined {
  const create = channels === undefined ? loadTracingChannel() : undefined;
  if (create === undefined) return channels;
  const channel = (name: TelemetryName) => create(`synced-memory:${name}`);
  channels = {
    open: channel('open'),
    commit: channel('commit'),
    merge: channel('merge'),
    resync: channel('resync'),
    reject: channel('reject'),
    connection: channel('connection'),
  } as TelemetryChannels;
  return channels;
}

/** Node's `tracingChannel`; undefined where the runtime does not have it. An import would break bundles for such runtimes. */
function loadTracingChannel(): typeof import('node:diagnostics_channel').tracingChannel | undefined {
  try {
    const load = (globalThis as { process?: Partial<NodeJS.Process> }).process?.getBuiltinModule;
    return load?.('node:diagnostics_channel')?.tracingChannel;
  } catch {
    // In Next's edge runtime `process` has the function, which throws.
    return undefined;
  }
}

/** The part of a channel that tells whether something subscribes. */
type Observable = Record<'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error', { readonly hasSubscribers: boolean }>;

/** True if something subscribes to the channel. */
export function isObserved(channel: Observable): boolean {
  return (
    channel.start.hasSubscribers ||
    channel.end.hasSubscribers ||
    channel.asyncStart.hasSubscribers ||
    channel.asyncEnd.hasSubscribers ||
    channel.error.hasSubscribers
  );
}

/** Publishes that an operation begins which ends in a later task. */
export function publishStart<Context extends object>(channel: TracingChannel<Context>, context: Context): void {
  channel.start.runStores(context, () => channel.end.publish(context));
}

/** Publishes that such an operation has ended; its outcome is in the context by now. */
export function publishEnd<Context extends WithError>(channel: TracingChannel<Context>, context: Context): void {
  if (context.error !== undefined) channel.error.publish(context);
  channel.asyncStart.runStores(context, () => channel.asyncEnd.publish(context));
}

/** Describes the memory with this URL and prefix to telemetry, without its login. */
export function telemetrySource(url: string, prefix: string): TraceSource {
  const scheme = url.slice(0, url.indexOf(':')).toLowerCase();
  if (scheme === 'file' || scheme === 'memory') return { backend: scheme, prefix };
  const socket = /^rediss?\+unix:\/\/([^?]*)/i.exec(url)?.[1];
  if (socket !== undefined) return { backend: 'redis', address: socket, prefix };
  // A password may hold any character but the last @.
  const server = url.slice(Math.max(url.lastIndexOf('@') + 1, url.indexOf('//') + 2));
  const [, address, port, database] = /^(\[[^\]]*\]|[^:,/]*)(?::(\d+))?[^/]*(?:\/.*?(\d+)?$)?/.exec(server) ?? [];
  return {
    backend: 'redis',
    ...(address && scheme.startsWith('redis') && { address }),
    ...(port && { port: Number(port) }),
    ...(database && { database: Number(database) }),
    prefix,
  };
}
