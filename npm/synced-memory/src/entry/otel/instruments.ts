import type { Attributes, Meter } from '@opentelemetry/api';
import type { TraceSource } from '../../base/traces.js';
import { collection } from './source-attributes.js';

/** The instruments of all metrics. */
export type Instruments = ReturnType<typeof createInstruments>;

/** Creates the instruments. `isByAttribute`: metrics tell the attributes of a memory apart. */
export function createInstruments(meter: Meter, isByAttribute: boolean) {
  const counter = (name: string, unit: string, description: string) => {
    return meter.createCounter(`synced_memory.${name}`, { unit, description });
  };
  return {
    duration: meter.createHistogram('db.client.operation.duration', {
      unit: 's',
      description: 'Duration of database client operations.',
      advice: { explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
    }),
    mutations: counter('mutations', '{mutation}', 'Mutations that were submitted.'),
    retries: counter('commit.retries', '{attempt}', 'Attempts of commits after the first one.'),
    merges: counter('merges', '{merge}', 'Changes of other writers that met pending mutations.'),
    conflicts: counter('conflicts', '{mutation}', 'Pending mutations that were dropped, because their target is gone.'),
    moots: counter('moots', '{mutation}', 'Pending removals that met what was gone already.'),
    resyncs: counter('resyncs', '{read}', 'Documents that were known and have been read again.'),
    resyncBytes: counter('resync.bytes', 'By', 'Length of the documents that have been read again.'),
    rejections: counter('rejections', '{rejection}', 'Refusals of mutations and transactions by the backend.'),
    failures: counter('connection.failures', '{failure}', 'Lost connections and failed attempts to connect.'),
    /** The attribute of a metric that names an attribute, where metrics do. */
    collection: (source: TraceSource, attribute: string | undefined): Attributes =>
      isByAttribute ? collection(source, attribute) : {},
  };
}
