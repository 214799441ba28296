import { expect, test } from 'vitest';
import { countAnomalies } from './run/transactions.mjs';

// `npm run faults:transactions` takes 100,000 rounds of each.
test('no wrong sum, no phantom and no missed write while connections are killed', async () => {
  const { counts } = await countAnomalies({ rounds: 50, seed: 3 });
  expect(counts).toEqual([
    { name: 'sums', rounds: 50, wrong: 0 },
    { name: 'bookings', rounds: 50, wrong: 0 },
    { name: 'reads after an acknowledged write', rounds: 50, wrong: 0 },
  ]);
});
