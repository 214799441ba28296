// For the test suites of those who use memories: everything in one process, on any runner.
export type { Clock } from '../clock.js';
export * from '../entry/edge.js';
export { VirtualClock } from './clock.js';
export { type Fault, type Faults, TestServer } from './server.js';
