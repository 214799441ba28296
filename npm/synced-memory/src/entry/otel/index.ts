// OpenTrace spans and metrics of synced-memory: `import { instrument } from 'synced-memory/otel'`.
export { type InstrumentOptions, instrument } from './instrument.js';
