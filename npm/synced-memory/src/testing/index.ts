// For test suites of programs that use memories: all in one process, with any test runner.
export type { Clock } from '../base/clock.js';
export * from '../entry/edge.js';
export { type Fault, type Faults, TestServer } from './test-server.js';
export { VirtualClock } from './virtual-clock.js';
