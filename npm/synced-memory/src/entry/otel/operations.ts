import { type Attributes, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { CommitTrace, ConnectionTrace, OpenTrace, TraceSource } from '../../base/traces.js';
import type { Instruments } from './instruments.js';
import { collection, errorType, sourceAttributes } from './source-attributes.js';

/** Makes a span of each commit. */
export function commitHandlers(tracer: Tracer, instruments: Instruments) {
  const operations = new Operations<CommitTrace>(tracer, 'commit', instruments);
  return {
    start(context: CommitTrace): void {
      operations.start(context, context.attribute, {
        ...(context.mutations > 1 && { 'db.operation.batch.size': context.mutations }),
        'synced_memory.mutations': context.mutations,
        'synced_memory.bytes': context.bytes,
        'synced_memory.is_group': context.isGroup,
      });
    },
    asyncEnd(context: CommitTrace): void {
      const { attempts, documentBytes, revision } = context;
      const isEnded = operations.end(context, context.attribute, {
        ...(attempts !== undefined && { 'synced_memory.attempts': attempts }),
        ...(documentBytes !== undefined && { 'synced_memory.document_bytes': documentBytes }),
        ...(revision !== undefined && { 'synced_memory.revision': revision }),
      });
      if (!isEnded) return;
      const attributes = {
        ...sourceAttributes(context, 'commit'),
        ...instruments.collection(context, context.attribute),
      };
      instruments.mutations.add(context.mutations, attributes);
      if (attempts !== undefined && attempts > 1) instruments.retries.add(attempts - 1, attributes);
    },
  };
}

/** Makes a span of the opening of each memory. */
export function openHandlers(tracer: Tracer, instruments: Instruments) {
  const operations = new Operations<OpenTrace>(tracer, 'open', instruments);
  return {
    start: (context: OpenTrace): void => operations.start(context, undefined, {}),
    asyncEnd(context: OpenTrace): void {
      const count = context.attributes === undefined ? {} : { 'synced_memory.attributes': context.attributes };
      operations.end(context, undefined, count);
    },
  };
}

/** Makes a span of each time without a connection. */
export function connectionHandlers(tracer: Tracer, instruments: Instruments) {
  const operations = new Operations<ConnectionTrace>(tracer, 'connect', instruments);
  return {
    start: (context: ConnectionTrace): void => operations.start(context, undefined, {}),
    asyncEnd(context: ConnectionTrace): void {
      const { attempts } = context;
      if (!operations.end(context, undefined, { 'synced_memory.attempts': attempts }) || attempts === 0) return;
      instruments.failures.add(attempts, sourceAttributes(context, 'connect'));
    },
  };
}

/** The end of an operation: its outcome, or its error. */
interface Ended extends TraceSource {
  outcome?: string;
  error?: unknown;
}

/** The operations of one kind that have begun and not ended. */
class Operations<Context extends Ended> {
  readonly #tracer: Tracer;
  readonly #name: string;
  readonly #instruments: Instruments;
  readonly #begun = new WeakMap<Context, { span: Span; at: number }>();

  constructor(tracer: Tracer, name: string, instruments: Instruments) {
    this.#tracer = tracer;
    this.#name = name;
    this.#instruments = instruments;
  }

  /** Starts the span, as a child of the one that is active where the operation begins. */
  start(context: Context, attribute: string | undefined, own: Attributes): void {
    const target = collection(context, attribute);
    const name = [this.#name, target['db.collection.name'] ?? context.prefix].join(' ');
    const attributes = {
      ...sourceAttributes(context, this.#name),
      ...target,
      'synced_memory.prefix': context.prefix,
      ...own,
    };
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
    this.#begun.set(context, { span, at: performance.now() });
  }

  /** Ends the span. Returns false if the operation began before this was listening. */
  end(context: Context, attribute: string | undefined, own: Attributes): boolean {
    const begun = this.#begun.get(context);
    if (begun === undefined) return false;
    this.#begun.delete(context);
    const { span, at } = begun;
    const error = errorType(context.error);
    span.setAttributes({ ...own, ...error, 'synced_memory.outcome': context.outcome ?? 'unknown' });
    if (context.error !== undefined) {
      const { message } = context.error as Error;
      span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    span.end();
    const target = this.#instruments.collection(context, attribute);
    const attributes = { ...sourceAttributes(context, this.#name), ...target, ...error };
    this.#instruments.duration.record((performance.now() - at) / 1000, attributes);
    return true;
  }
}
