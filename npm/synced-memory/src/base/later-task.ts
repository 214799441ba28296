import { bindsIoToRequests } from './runtime.js';

/** The timers of the runtime. A test runner may put others in their place later. */
const { setImmediate, setTimeout } = globalThis;

/** Calls a function in a later task of JavaScript, so that timers and I/O have their turn before. */
export function runInLaterTask(task: () => void): void {
  // Not all runtimes have setImmediate, and that of Next's edge runtime throws. A timer waits for a millisecond or more.
  if (typeof setImmediate === 'function' && !bindsIoToRequests()) setImmediate(task);
  else setTimeout(task, 0);
}
