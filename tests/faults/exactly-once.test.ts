import { describe, expect, test } from 'vitest';
import { among } from '../servers/backends.js';
import { exactlyOnce } from './run/exactly-once.mjs';
import { check, type Life, operations, type State } from './run/workload.mjs';

// `npm run faults` takes 25,000 mutations a writer.
test.each(among('redis', 'file'))(
  'every acknowledged mutation is there once: %s',
  async (backend) => {
    const { checked, faults } = await exactlyOnce({ mutations: 500, seed: 7, backend });
    expect(checked).toBeGreaterThanOrEqual(4 * 500);
    expect(Object.keys(faults).length).toBeGreaterThan(0);
  },
  180_000,
);

describe('the checker', () => {
  const seed = 3;
  /** The stored state after one writer has finished. */
  const stored = (): { state: State; life: Life } => {
    const state: State = { log: [], bag: [], counts: {} };
    for (const { kind, item } of operations(seed, 0, 0, 200)) {
      if (kind === 'push') state.log.push(item);
      else if (kind === 'insert') state.bag.push(item);
      else if (kind === 'remove') state.bag.splice(state.bag.indexOf(item), 1);
      else if (kind === 'count') state.counts[0] = item;
      else state.own0 = { item };
    }
    return { state, life: { writer: 0, life: 0, acknowledged: 200, made: 200 } };
  };
  const removed = [...operations(seed, 0, 0, 200)].find(({ kind }) => kind === 'remove')?.item ?? '';

  test('accepts a correct result', () => {
    const { state, life } = stored();
    expect(check(state, [life], seed)).toBe(200);
  });

  test.each<[string, RegExp, (state: State) => void]>([
    ['a lost push', /lost: .* log/, ({ log }) => log.splice(3, 1)],
    ['a push that is there twice', /twice/, ({ log }) => log.push(log[0] as string)],
    ['pushes in another order', /order/, ({ log }) => log.reverse()],
    ['a lost insertion', /lost: .* bag/, ({ bag }) => bag.pop()],
    ['what was removed', /back/, ({ bag }) => bag.push(removed)],
    ['what nobody made', /unknown/, ({ log }) => log.push('9.9:9')],
    ['an old value', /lost: .* count/, ({ counts }) => Object.assign(counts, { 0: '0.0:1' })],
    ['no value', /lost: .* own/, (state) => delete state.own0],
  ])('notices %s', (_, message, spoil) => {
    const { state, life } = stored();
    spoil(state);
    expect(() => check(state, [life], seed)).toThrow(message);
  });
});
