// `synced-memory/otel` with the in-memory exporters of the OpenTelemetry SDK.
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { instrument } from 'synced-memory/otel';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Backend, backends } from './backends.js';

const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
let redis: Backend;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  redis = await backends.redis();
});
afterAll(async () => {
  context.disable();
  await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown(), redis.stop()]);
});

/** The data points of a metric. */
async function points<Value = number>(name: string): Promise<DataPoint<Value>[]> {
  await meterProvider.forceFlush();
  const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
  const metric = scopes.flatMap((scope) => scope.metrics).find(({ descriptor }) => descriptor.name === name);
  return (metric?.dataPoints ?? []) as DataPoint<Value>[];
}

test('commits are client spans of a database, below the span in which they were made', async () => {
  const end = instrument({ tracerProvider, meterProvider, attributeMetrics: true });
  const port = Number(new URL(redis.url).port);
  const server = { 'db.system.name': 'redis', 'server.address': '127.0.0.1', 'server.port': port };
  const mem = await Memory.open({ url: `${redis.url}/0`, prefix: 'otel:', onError: () => {} });
  const tracer = tracerProvider.getTracer('test');
  await tracer.startActiveSpan('request', async (span) => {
    mem.tasks = ['a secret'];
    mem.tasks.push('another');
    span.end();
  });
  await mem.$flush();
  const byName = () => Object.fromEntries(spans.getFinishedSpans().map((span) => [span.name, span]));
  const { request, 'commit otel:tasks': commit, 'open otel:': open, 'connect otel:': connect } = byName();
  expect(commit?.kind).toBe(SpanKind.CLIENT);
  expect(commit?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  expect(commit?.attributes).toEqual({
    ...server,
    'db.namespace': '0',
    'db.operation.name': 'commit',
    'db.collection.name': 'otel:tasks',
    'db.operation.batch.size': 2,
    'synced_memory.prefix': 'otel:',
    'synced_memory.mutations': 2,
    'synced_memory.bytes': expect.any(Number),
    'synced_memory.is_group': false,
    'synced_memory.outcome': 'acknowledged',
    'synced_memory.attempts': 1,
    'synced_memory.document_bytes': JSON.stringify(mem.tasks).length,
    'synced_memory.revision': String(mem.$lastModified('tasks')),
  });
  expect(open?.attributes).toMatchObject({ ...server, 'db.operation.name': 'open', 'synced_memory.outcome': 'opened' });
  expect(connect?.attributes).toMatchObject({ ...server, 'synced_memory.outcome': 'connected' });
  const texts = spans.getFinishedSpans().map(({ attributes, status }) => JSON.stringify([attributes, status]));
  expect(texts.join()).not.toContain('secret');

  // A foreign writer makes the memory read the document again.
  const client = createClient({ url: redis.url });
  await client.connect();
  await client.set('otel:tasks', '{"value":[1],"last_modified":9000000000000000000}');
  await vi.waitFor(() => expect(mem.tasks).toEqual([1]), 10_000);
  const point = { attributes: expect.objectContaining({ 'db.collection.name': 'otel:tasks' }), value: 1 };
  expect(await points('synced_memory.resyncs')).toEqual([expect.objectContaining(point)]);

  // The server refuses.
  await client.sendCommand(['ACL', 'SETUSER', 'default', '-eval', '-evalsha']);
  mem.tasks.push(2);
  await expect(mem.$flush()).rejects.toThrow();
  await client.sendCommand(['ACL', 'SETUSER', 'default', '+@all']);
  client.destroy();
  const refused = spans.getFinishedSpans().at(-1);
  expect(refused?.status.code).toBe(SpanStatusCode.ERROR);
  expect(refused?.attributes).toMatchObject({ 'error.type': 'ERR_REFUSED', 'synced_memory.outcome': 'rejected' });

  const durations = await points<Histogram>('db.client.operation.duration');
  const counts = durations.map(({ attributes, value }) => [
    attributes['db.operation.name'],
    attributes['error.type'],
    value.count,
  ]);
  expect(counts).toEqual(
    expect.arrayContaining([
      ['open', undefined, 1],
      ['connect', undefined, 1],
      ['commit', undefined, 1],
      ['commit', 'ERR_REFUSED', 1],
    ]),
  );
  const sum = (values: DataPoint<number>[]) => values.reduce((total, { value }) => total + value, 0);
  expect(sum(await points('synced_memory.mutations'))).toBe(3);
  expect(sum(await points('synced_memory.rejections'))).toBe(1);

  end();
  const count = spans.getFinishedSpans().length;
  mem.after = 1;
  await mem.$close();
  expect(spans.getFinishedSpans()).toHaveLength(count);
});

test('without an SDK, nothing is recorded and nothing fails', async () => {
  expect(trace.getTracerProvider()).toBeDefined();
  const end = instrument();
  await using mem = await Memory.open('memory://no-sdk');
  mem.x = 1;
  await mem.$flush();
  end();
});
