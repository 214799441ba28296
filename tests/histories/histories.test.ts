// The history checker finds each anomaly in a hand-made history, and none in a clean one.
import { describe, expect, test } from 'vitest';
import { type Entry, type Operation, readOf } from './history.mjs';
import { total } from './invariants.mjs';
import { judge } from './verdict.mjs';

let clock = 0;

/** An entry that begins after all that were made before it, unless `given` says otherwise. */
function entry(process: string, operation: Operation, given: Partial<Entry> = {}): Entry {
  clock += 10;
  return { process, operation, start: clock, end: clock + 5, outcome: 'ok', reads: [], ...given };
}

/** A transaction, such as `['x', ['a']]` for a read of x as `['a']` and `['x', 'b']` for an append of b to x. */
function transaction(process: string, steps: [string, string | string[]][], given: Partial<Entry> = {}): Entry {
  const reads = steps.flatMap(([list, value]) => (typeof value === 'string' ? [] : [readOf(list, value)]));
  const operation: Operation = {
    kind: 'transaction',
    steps: steps.map(([list, value]) => (typeof value === 'string' ? ['append', list, value] : ['read', list])),
  };
  return entry(process, operation, { reads, ...given });
}

const push = (process: string, list: string, value: string, given: Partial<Entry> = {}) =>
  entry(process, { kind: 'push', steps: [['append', list, value]] }, given);
/** At the same time as everything else. */
const always = { start: 0, end: 1e9 };
const judged = (history: Entry[], state: Record<string, unknown>) =>
  judge(
    history,
    state,
    ['x', 'y', 'z'].filter((name) => name in state),
  ).join('\n');

describe('a clean history', () => {
  test('of transactions, pushes and reads one after the other', () => {
    const history = [
      transaction('a', [
        ['x', '1'],
        ['x', '2'],
        ['y', '1'],
      ]),
      transaction('b', [
        ['x', ['1', '2']],
        ['y', ['1']],
        ['y', '2'],
      ]),
      push('a', 'x', '3'),
      transaction('b', [
        ['x', ['1', '2', '3']],
        ['y', ['1', '2']],
      ]),
    ];
    expect(judged(history, { x: ['1', '2', '3'], y: ['1', '2'] })).toBe('');
  });

  test('of concurrent operations, some of which have no known outcome', () => {
    const history = [
      push('a', 'x', '1', always),
      push('b', 'x', '2', { ...always, outcome: 'unknown', end: Number.POSITIVE_INFINITY }),
      push('c', 'x', '3', { ...always, outcome: 'unknown', end: Number.POSITIVE_INFINITY }),
      push('d', 'x', '4', { ...always, outcome: 'failed' }),
      transaction('e', [['x', []]], always),
    ];
    expect(judged(history, { x: ['2', '1'] })).toBe('');
  });

  test('of a read-only transaction that is ordered before a concurrent one', () => {
    const history = [
      transaction(
        'a',
        [
          ['x', []],
          ['y', '1'],
        ],
        always,
      ),
      transaction(
        'b',
        [
          ['y', ['1']],
          ['x', '2'],
        ],
        always,
      ),
    ];
    expect(judged(history, { x: ['2'], y: ['1'] })).toBe('');
  });
});

describe('anomalies of lists', () => {
  test.each<[string, RegExp, Entry[], Record<string, unknown>]>([
    ['a lost push', /^lost: 1 in x/, [push('a', 'x', '1')], { x: [] }],
    ['an element that is there twice', /^twice: 1 is in x/, [push('a', 'x', '1')], { x: ['1', '1'] }],
    ['an element of no operation', /^unknown: x has 9/, [], { x: ['9'] }],
    ['an aborted write', /^aborted: x has 1/, [push('a', 'x', '1', { outcome: 'failed' })], { x: ['1'] }],
    [
      'a torn transaction',
      /^torn: 1 in y is missing/,
      [
        transaction(
          'a',
          [
            ['x', '1'],
            ['y', '1'],
          ],
          { outcome: 'unknown' },
        ),
      ],
      { x: ['1'], y: [] },
    ],
    [
      'appends of one transaction that are apart',
      /^apart: x does not have 1, 2/,
      [
        transaction('a', [
          ['x', '1'],
          ['x', '2'],
        ]),
        push('b', 'x', '3'),
      ],
      { x: ['1', '3', '2'] },
    ],
    [
      'a read of what never was',
      /^incompatible: x was read as 1 elements that end in 2/,
      [push('a', 'x', '1'), push('b', 'x', '2'), transaction('c', [['x', ['2']]])],
      { x: ['1', '2'] },
    ],
    [
      'a read between two appends of one transaction',
      /^intermediate: x/,
      [
        transaction(
          'a',
          [
            ['x', '1'],
            ['x', '2'],
          ],
          always,
        ),
        transaction('b', [['x', ['1']]], always),
      ],
      { x: ['1', '2'] },
    ],
    [
      'a read that misses an own append',
      /^internal: x/,
      [
        entry(
          'a',
          {
            kind: 'transaction',
            steps: [
              ['append', 'x', '1'],
              ['read', 'x'],
            ],
          },
          { reads: [readOf('x', [], ['1'])] },
        ),
      ],
      { x: ['1'] },
    ],
  ])('%s', (_, message, history, state) => {
    expect(judged(history, state)).toMatch(message);
  });
});

describe('cycles', () => {
  test('writes in a circle', () => {
    const history = [
      transaction(
        'a',
        [
          ['x', '1'],
          ['y', '1'],
        ],
        always,
      ),
      transaction(
        'b',
        [
          ['x', '2'],
          ['y', '2'],
        ],
        always,
      ),
    ];
    expect(judged(history, { x: ['1', '2'], y: ['2', '1'] })).toMatch(/^G0.*T2 came after T1 \(ww\)/s);
  });

  test('circular information flow', () => {
    const history = [
      transaction(
        'a',
        [
          ['x', '1'],
          ['y', ['2']],
        ],
        always,
      ),
      transaction(
        'b',
        [
          ['y', '2'],
          ['x', ['1']],
        ],
        always,
      ),
    ];
    expect(judged(history, { x: ['1'], y: ['2'] })).toMatch(/^G1c/);
  });

  test('a lost update', () => {
    const history = [
      transaction(
        'a',
        [
          ['x', []],
          ['x', '1'],
        ],
        always,
      ),
      transaction(
        'b',
        [
          ['x', []],
          ['x', '2'],
        ],
        always,
      ),
    ];
    expect(judged(history, { x: ['1', '2'] })).toMatch(/^G2/);
  });

  test('read skew', () => {
    const history = [
      transaction(
        'a',
        [
          ['x', '1'],
          ['y', '1'],
        ],
        always,
      ),
      transaction(
        'b',
        [
          ['x', ['1']],
          ['y', []],
        ],
        always,
      ),
    ];
    expect(judged(history, { x: ['1'], y: ['1'] })).toMatch(/^G2.*read without it/s);
  });

  test('write skew', () => {
    const history = [
      transaction(
        'a',
        [
          ['x', []],
          ['y', '1'],
        ],
        always,
      ),
      transaction(
        'b',
        [
          ['y', []],
          ['x', '2'],
        ],
        always,
      ),
    ];
    const found = judged(history, { x: ['2'], y: ['1'] });
    expect(found.split('\n')).toEqual([
      expect.stringMatching(/^G2/),
      '  T1 = transaction of a (ok): read x: 0 elements; append 1 to y',
      '  T2 = transaction of b (ok): read y: 0 elements; append 2 to x',
      '  T2 came after T1 (rw): it appended 2 to x, which was read without it',
      '  T1 came after T2 (rw): it appended 1 to y, which was read without it',
    ]);
  });

  test('a read that misses a push that had been acknowledged', () => {
    const history = [push('a', 'x', '1'), transaction('b', [['x', []]])];
    expect(judged(history, { x: ['1'] })).toMatch(/^real time.*\(rt\): it began after the other had ended/s);
  });

  test('the order of one process is an order in real time', () => {
    const history = [push('a', 'x', '1'), push('a', 'x', '2')];
    expect(judged(history, { x: ['2', '1'] })).toMatch(/^real time/);
  });

  test('the shortest of several is shown', () => {
    const skew = (n: number) => [
      transaction(
        `a${n}`,
        [
          ['x', []],
          ['y', `${n}`],
        ],
        always,
      ),
      transaction(
        `b${n}`,
        [
          ['y', []],
          ['z', `${n}`],
        ],
        always,
      ),
      transaction(
        `c${n}`,
        [
          ['z', []],
          ['x', `${n}`],
        ],
        always,
      ),
    ];
    const history = [
      ...skew(1),
      transaction(
        'd',
        [
          ['x', []],
          ['y', '8'],
        ],
        always,
      ),
      transaction(
        'e',
        [
          ['y', []],
          ['x', '9'],
        ],
        always,
      ),
    ];
    const found = judged(history, { x: ['9', '1'], y: ['8', '1'], z: ['1'] });
    expect(found).toMatch(/T2 =/);
    expect(found).not.toMatch(/T3 =/);
  });
});

describe('other anomalies', () => {
  const claim: Operation = { kind: 'claim', name: 'claims', key: 'k' };
  const log = (item: string, number: number): Operation => ({ kind: 'log', name: 'log', item, number });
  const count = (number: number): Operation => ({ kind: 'count', name: 'counts', number });
  const increment: Operation = { kind: 'increment', name: 'n' };

  test.each<[string, RegExp, Entry[], Record<string, unknown>]>([
    ['a wrong sum', /^sum: a saw 7/, [entry('a', { kind: 'sum' }, { value: 7 })], {}],
    ['half of a transfer', /^local sum: a saw 7/, [entry('a', { kind: 'local sum' }, { value: 7 })], {}],
    [
      'money from nowhere',
      /^sum: the accounts hold/,
      [],
      Object.fromEntries([0, 1, 2, 3].map((n) => [`account${n}`, { balance: total }])),
    ],
    [
      'a claim that was granted twice',
      /^claim: claims.k was granted to a and to b/m,
      [entry('a', claim, { value: true }), entry('b', claim, { value: true })],
      { claims: { k: 'b' } },
    ],
    [
      'a claim that is gone',
      /^claim: claims.k was granted to a, nobody/,
      [entry('a', claim, { value: true })],
      { claims: {} },
    ],
    ['a phantom', /^phantom: in round 1/, [entry('a', { kind: 'seat', round: '1' })], { 'seat-1-a': 1, 'seat-1-b': 1 }],
    ['a booking that is gone', /^lost: seat-1-a/, [entry('a', { kind: 'seat', round: '1' }, { value: true })], {}],
    ['a lost item', /^lost: i1/, [entry('a', log('i1', 1))], { log: [] }],
    ['an item that is there twice', /^twice: i1/, [entry('a', log('i1', 1))], { log: ['i1', 'i1'] }],
    [
      'items in another order',
      /^order: i1/,
      [entry('a', log('i1', 1)), entry('a', log('i2', 2))],
      { log: ['i2', 'i1'] },
    ],
    ['an item of nobody', /^unknown: log has i9/, [entry('a', log('i1', 1))], { log: ['i1', 'i9'] }],
    ['an old count', /^lost: counts.a is 1/, [entry('a', count(1)), entry('a', count(2))], { counts: { a: 1 } }],
    ['a count that was never made', /^lost: counts.a is 3/, [entry('a', count(1))], { counts: { a: 3 } }],
    ['a lost increment', /^increments: n is 0/, [entry('a', increment, { value: 1 })], { n: 0 }],
    ['a doubled increment', /^increments: n is 2/, [entry('a', increment, { value: 1 })], { n: 2 }],
    [
      'two increments with one result',
      /^twice: two increments/,
      [entry('a', increment, { value: 1 }), entry('b', increment, { value: 1 })],
      { n: 2 },
    ],
  ])('%s', (_, message, history, state) => {
    expect(judged(history, state)).toMatch(message);
  });

  test('none where outcomes are unknown', () => {
    const unknown = { outcome: 'unknown' } as const;
    const history = [
      entry('a', log('i1', 1), unknown),
      entry('a', log('i2', 2)),
      entry('a', count(1)),
      entry('a', count(2), unknown),
      entry('a', increment, unknown),
      entry('a', claim, unknown),
    ];
    expect(judged(history, { log: ['i2'], counts: { a: 2 }, n: 1, claims: { k: 'a' } })).toBe('');
  });
});
