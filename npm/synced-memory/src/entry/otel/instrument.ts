import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import { SyncedMemoryError } from '../../base/errors.js';
import { telemetryChannels } from '../../base/telemetry.js';
import { mergeHandlers, rejectHandlers, resyncHandlers } from './counters.js';
import { createInstruments } from './instruments.js';
import { commitHandlers, connectionHandlers, openHandlers } from './operations.js';

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** Makes the spans. Default: the global one of `@opentelemetry/api`. */
  tracerProvider?: TracerProvider;
  /** Makes the metrics. Default: the global one of `@opentelemetry/api`. */
  meterProvider?: MeterProvider;
  /** Whether metrics tell the attributes apart, by `db.collection.name`. For memories with few attributes. Default: false. */
  attributeMetrics?: boolean;
}

/**
 * Turns the events of the channels `synced-memory:*` into spans and metrics, for all memories of this process, those that are open
 * included. Returns a function that ends it. Throws ERR_NOT_SUPPORTED in a runtime without `node:diagnostics_channel`.
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  const channels = telemetryChannels();
  if (channels === undefined) {
    throw new SyncedMemoryError(
      'ERR_NOT_SUPPORTED',
      'this runtime has no node:diagnostics_channel or no process.getBuiltinModule; use Node 20.16 or 22.3, or later',
    );
  }
  const tracer = (options.tracerProvider ?? trace).getTracer('synced-memory');
  const meter = (options.meterProvider ?? metrics).getMeter('synced-memory');
  const instruments = createInstruments(meter, options.attributeMetrics === true);
  const ends = [
    subscribe(channels.open, openHandlers(tracer, instruments)),
    subscribe(channels.commit, commitHandlers(tracer, instruments)),
    subscribe(channels.connection, connectionHandlers(tracer, instruments)),
    subscribe(channels.merge, mergeHandlers(instruments)),
    subscribe(channels.resync, resyncHandlers(instruments)),
    subscribe(channels.reject, rejectHandlers(instruments)),
  ];
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

/** The events of a channel that are handled. */
type Handlers<Context> = Partial<Record<'start' | 'end' | 'asyncEnd', (context: Context) => void>>;

/** A tracing channel, as far as it is used here. */
type Channels<Context> = Record<
  'start' | 'end' | 'asyncEnd',
  { subscribe(listener: (message: unknown) => void): void; unsubscribe(listener: (message: unknown) => void): void }
> & { readonly context?: Context };

function subscribe<Context>(channel: Channels<Context>, handlers: Handlers<Context>): () => void {
  const listeners = (['start', 'end', 'asyncEnd'] as const).flatMap((event) => {
    const handler = handlers[event];
    return handler === undefined ? [] : [{ event, listener: (message: unknown) => handler(message as Context) }];
  });
  for (const { event, listener } of listeners) channel[event].subscribe(listener);
  return () => {
    for (const { event, listener } of listeners) channel[event].unsubscribe(listener);
  };
}
