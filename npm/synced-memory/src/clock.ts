/** Time and randomness, as the runtime has them; another one in tests. */
export interface Clock {
  /** Milliseconds since 1970. May stand still. */
  unix(): number;
  /** Milliseconds that never go back. May stand still. */
  monotonic(): number;
  /** Calls back once after so many milliseconds, unless the function that this gives is called before. */
  after(ms: number, call: () => void): () => void;
  /** At least 0, below 1. */
  random(): number;
}

/** The longest that a timer of Node runs, in milliseconds: 24 days. More is taken as for ever. */
export const LONGEST_TIMER = 0x7fff_ffff;

/** The runtime's own. */
export const systemClock: Clock = {
  unix: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, call) {
    const timer: unknown = setTimeout(call, ms);
    // Where timers can keep a process alive, an open memory does not; what is pending does.
    (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer as NodeJS.Timeout);
  },
  random: () => Math.random(),
};

/** 128 bits that nobody else has. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
