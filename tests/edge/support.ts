import type { Transport } from 'synced-memory/edge';
import { type Clock, VirtualClock } from 'synced-memory/testing';

/** A generator of numbers from 0 to below 1 for a seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kinds = ['reject', 'lose', 'hang', 'drop', 'garble', 'short'] as const;

export interface Faulty extends Transport {
  /** Number of occurrences of each fault. */
  readonly seen: Partial<Record<(typeof kinds)[number], number>>;
}

/** A virtual clock; a test that waits for a hanging request must advance it. */
export function hasty(seed: number): VirtualClock {
  return new VirtualClock(Date.now(), randomFrom(seed));
}

/**
 * Carries commands over another transport, with a fault in `rate` of all requests. A request that hangs may reach the
 * server late: after what was sent in its place.
 */
export function faulty(transport: Transport, random: () => number, clock: Clock, rate: number): Faulty {
  const seen: Faulty['seen'] = {};
  return {
    seen,
    clock,
    close: () => transport.close?.(),
    async execute(commands) {
      // Without the signal: an aborted request may still arrive.
      if (random() >= rate) return transport.execute(commands);
      const kind = kinds[Math.floor(random() * kinds.length)] as (typeof kinds)[number];
      seen[kind] = (seen[kind] ?? 0) + 1;
      if (kind === 'reject') throw new Error('rejected');
      if (kind === 'hang') {
        clock.after(21_000 + random() * 5_000, () => transport.execute(commands).catch(() => {}));
        return new Promise(() => {});
      }
      const replies = await transport.execute(commands);
      if (kind === 'lose') throw new Error('lost');
      if (kind === 'drop') return new Promise(() => {});
      return kind === 'garble' ? replies.map(() => [[0]]) : replies.slice(1);
    },
  };
}
