// A short run on every backend. `npm run check:histories` takes longer ones.
import { expect, test } from 'vitest';
import { among } from '../servers/backends.js';
import { checkHistories } from './run.mjs';

const sets = ['plain', 'transactions', 'names', 'replicas'] as const;

test.each(among('redis', 'cluster', 'file', 'memory'))(
  'what three processes do under faults can be put in one order: %s',
  async (backend) => {
    const seed = Date.now() % 1_000_000;
    const report = await checkHistories({ backend, seconds: 3, seed, processes: 3, sets: [...sets] });
    expect(report.problems, `seed ${seed}, faults ${JSON.stringify(report.faults)}`).toEqual([]);
    expect(report.outcomes.ok).toBeGreaterThan(0);
  },
  150_000,
);
