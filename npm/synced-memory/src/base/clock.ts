/** Source of time, timers and randomness. Tests replace the runtime's own by a virtual one. */
export interface Clock {
  /** Milliseconds since 1970. May stand still between I/O, as on deployed edge runtimes. */
  unix(): number;
  /** Milliseconds since an arbitrary start. Never goes backwards; may stand still between I/O. */
  monotonic(): number;
  /** Calls `callback` once after `ms` milliseconds. The returned function cancels the timer. */
  after(ms: number, callback: () => void): () => void;
  /** A random number from 0 (included) to 1 (excluded). */
  random(): number;
}

/** Longest delay of a Node timer, in milliseconds (24 days). Longer waits have no timer and never end by themselves. */
export const MAX_TIMER_MS = 0x7fff_ffff;

/** The runtime's own time, timers and randomness. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  unix: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer: unknown = setTimeout(callback, ms);
    // Only Node's timers have unref; browsers return a number.
    (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer as NodeJS.Timeout);
  },
  random: () => Math.random(),
};

/** A random id of 128 bits, as 22 characters of URL-safe base64. Ids are parts of side keys, so each character counts. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const base64 = btoa(String.fromCharCode(...bytes)).slice(0, 22);
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}
