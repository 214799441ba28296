export type { InspectedMemory, RecordedCommit } from './inspected-memory.js';
export { type InspectorOptions, inspector, type RequestHandler } from './inspector.js';
export { nodeListener } from './node-listener.js';
export { type ServedInspector, type ServeOptions, serveInspector } from './serve-inspector.js';
