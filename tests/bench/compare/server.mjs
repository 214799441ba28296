// Acknowledged appends and sets, beside clients of the server, whole documents, the Python package and redis-benchmark.
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { grouped, median } from '../report.mjs';
import { distributionChart, lineChart, logAxis, logTime } from './chart.mjs';
import { redisBenchmark, startPython } from './external.mjs';
import { takeTurns, timed } from './interleave.mjs';
import { duration, expectAtMost, newSection, quantile, spread } from './section.mjs';

const text = `One call at a time until it is acknowledged, in microseconds, over loopback; every contender has a list or a hash of its own
on one server. node-redis and ioredis as their manuals begin; node-redis times every command, so it is shown without that
too. "GET, change, SET" is what a program does that keeps JSON under a key: it loses updates of others, as the Python package does.
redis-benchmark is the floor: a C client that does nothing else. It reports its median by itself, so it has no 99th percentile.`;

/** @param {string} url @param {number} port @param {boolean} isQuick */
export async function serverWork(url, port, isQuick) {
  const section = newSection('Work on the server', text);
  const clients = {
    mem: /** @type {import('synced-memory').Memory<any>} */ (await Memory.open({ url, prefix: 'bench:' })),
    node: await createClient({ url }).connect(),
    untimed: await createClient({ url, commandOptions: { timeout: 0 } }).connect(),
    ioredis: new Redis(url),
    piped: new Redis(url, { enableAutoPipelining: true }),
    python: startPython(port),
  };
  const lengths = isQuick ? [10, 1_000] : [10, 1_000, 100_000, 1_000_000];
  await appends(section, clients, port, lengths, isQuick ? 10 : 60);
  await fields(section, clients, port, isQuick ? 10 : 60);
  await bursts(section, clients, port, isQuick ? 20_000 : 200_000, isQuick ? 3 : 5);
  await bytesOfPush(section, clients);
  await clients.mem.$close();
  clients.node.destroy();
  clients.untimed.destroy();
  clients.ioredis.disconnect();
  clients.piped.disconnect();
  await clients.python.stop();
  return section;
}

/** A contender of redis-benchmark: one median for all calls of a round. */
function benchmarkOf(port, command) {
  return async (calls) => [(await redisBenchmark(port, ['-c', '1', '-n', String(calls)], command)).p50];
}

async function appends(section, clients, port, lengths, rounds) {
  const { mem, node, untimed, ioredis, python } = clients;
  const runs = [];
  for (const length of lengths) {
    const numbers = Array.from({ length }, (_, index) => index);
    const name = `list${length}`;
    mem[name] = numbers;
    await mem.$flush();
    const list = mem[name];
    for (const key of ['node', 'untimed', 'ioredis', 'benchmark']) {
      for (let at = 0; at < length; at += 10_000) {
        await node.rPush(`${key}:${length}`, numbers.slice(at, at + 10_000).map(String));
      }
    }
    await node.set(`whole:${length}`, JSON.stringify(numbers));
    await node.set(`memory:list${length}`, JSON.stringify({ value: numbers, last_modified: 1 }));
    const push = timed(() => {
      list.push(7);
      return mem.$flush();
    });
    const whole = timed(async () => {
      const value = JSON.parse((await node.get(`whole:${length}`)) ?? '');
      value.push(7);
      await node.set(`whole:${length}`, JSON.stringify(value));
    });
    const inPython = (calls) => python.run(`mem.list${length}.append(7)`, calls);
    const add = (name, sample, more = {}) => runs.push({ name, length, sample, calls: 50, samples: [], ...more });
    add('synced-memory push + $flush', push);
    add(
      'node-redis RPUSH',
      timed(() => node.rPush(`node:${length}`, '7')),
    );
    add(
      'node-redis RPUSH, no command timeout',
      timed(() => untimed.rPush(`untimed:${length}`, '7')),
    );
    add(
      'ioredis RPUSH',
      timed(() => ioredis.rpush(`ioredis:${length}`, 7)),
    );
    add('redis-benchmark RPUSH', benchmarkOf(port, ['RPUSH', `benchmark:${length}`, '7']), { rounds: 10, calls: 500 });
    const slow = { rounds: 10, calls: Math.max(1, Math.min(50, 50_000 / length)) };
    add('GET, change, SET', whole, slow);
    add('Python package append', inPython, { rounds: 5, calls: Math.max(1, Math.min(20, 20_000 / length)) });
  }
  await takeTurns(
    runs.filter(({ rounds }) => rounds === undefined),
    rounds,
  );
  await takeTurns(
    runs.filter(({ rounds }) => rounds !== undefined),
    10,
  );

  const names = [...new Set(runs.map(({ name }) => name))];
  const find = (name, length) => runs.find((run) => run.name === name && run.length === length).samples;
  const ours = names[0];
  section.tables.push({
    title: 'Acknowledged append, median (quartiles), by length of the list',
    rows: [
      ['', ...lengths.map(grouped)],
      ...names.map((name) => [name, ...lengths.map((length) => spread(find(name, length), duration))]),
    ],
  });
  section.tables.push({
    title: 'Acknowledged append, 99th percentile, by length of the list',
    rows: [
      ['', ...lengths.map(grouped)],
      ...names
        .filter((name) => !name.startsWith('redis-benchmark'))
        .map((name) => [name, ...lengths.map((length) => duration(quantile(find(name, length), 0.99)))]),
    ],
  });
  for (const name of names.slice(1)) {
    for (const length of lengths) {
      const ratio = median(find(ours, length)) / median(find(name, length));
      section.ratios.push({ what: `append to ${grouped(length)}`, peer: name, ratio });
    }
  }
  const [shortest, longest] = [lengths[0], lengths[lengths.length - 1]];
  const growth = median(find(ours, longest)) / median(find(ours, shortest));
  expectAtMost(section, `append to ${grouped(longest)} beside ${grouped(shortest)}`, growth, 1.3);
  const reason = 'a commit is a script call with a guard, a sequence and an announcement, where RPUSH is one command';
  for (const length of lengths) {
    const ratio = median(find(ours, length)) / median(find('node-redis RPUSH', length));
    expectAtMost(section, `append to ${grouped(length)} beside node-redis RPUSH`, ratio, 1.6, { reason });
  }
  const title = 'Acknowledged append by length of the list';
  const series = names.map((name) => ({ name, points: lengths.map((length) => [length, median(find(name, length))]) }));
  const x = logAxis('elements, log', grouped);
  const y = logAxis('median, log', logTime);
  section.charts.push({ name: 'append-by-length', title, svg: lineChart({ title, x, y, series }) });
  const shown = names.filter((name) => !name.startsWith('redis-benchmark'));
  const distributed = shown.map((name) => ({ name, samples: find(name, 1_000) }));
  const distribution = 'Acknowledged append to 1,000 elements';
  section.charts.push({
    name: 'append-latency',
    title: distribution,
    svg: distributionChart(distribution, distributed),
  });
}

async function fields(section, clients, port, rounds) {
  const { mem, node, untimed, ioredis, python } = clients;
  const dict = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field${index}`, `value ${index}`]));
  mem.dict = dict;
  await mem.$flush();
  for (const key of ['node', 'untimed', 'ioredis', 'benchmark']) await node.hSet(`hash:${key}`, dict);
  await node.set('whole:dict', JSON.stringify(dict));
  await node.set('memory:dict', JSON.stringify({ value: dict, last_modified: 1 }));
  let call = 0;
  const value = () => `value ${call++ % 10}`;
  const run = (name, sample, more = {}) => ({ name, sample, calls: 50, samples: [], ...more });
  const runs = [
    run(
      'synced-memory set + $flush',
      timed(() => {
        mem.dict.field50 = value();
        return mem.$flush();
      }),
    ),
    run(
      'node-redis HSET',
      timed(() => node.hSet('hash:node', 'field50', value())),
    ),
    run(
      'node-redis HSET, no command timeout',
      timed(() => untimed.hSet('hash:untimed', 'field50', value())),
    ),
    run(
      'ioredis HSET',
      timed(() => ioredis.hset('hash:ioredis', 'field50', value())),
    ),
    run(
      'GET, change, SET',
      timed(async () => {
        const whole = JSON.parse((await node.get('whole:dict')) ?? '');
        whole.field50 = value();
        await node.set('whole:dict', JSON.stringify(whole));
      }),
    ),
    run('redis-benchmark HSET', benchmarkOf(port, ['HSET', 'hash:benchmark', 'field50', 'v']), {
      rounds: 10,
      calls: 500,
    }),
    run('Python package set', (calls) => python.run('mem.dict["field50"] = "value %d" % (call % 10)', calls), {
      rounds: 5,
      calls: 20,
    }),
  ];
  await takeTurns(runs, rounds);
  const ours = /** @type {{ samples: number[] }} */ (runs[0]);
  section.tables.push({
    title: 'Acknowledged set of one of 100 fields',
    rows: [
      ['', 'median (quartiles)', '99th percentile', 'beside'],
      ...runs.map(({ name, samples }) => {
        const tail = name.startsWith('redis-benchmark') ? '' : duration(quantile(samples, 0.99));
        return [name, spread(samples, duration), tail, `${(median(samples) / median(ours.samples)).toFixed(2)} ×`];
      }),
    ],
  });
  for (const { name, samples } of runs.slice(1)) {
    section.ratios.push({ what: 'set of a field', peer: name, ratio: median(ours.samples) / median(samples) });
  }
  const title = 'Acknowledged set of one of 100 fields';
  const shown = runs.filter(({ name }) => !name.startsWith('redis-benchmark'));
  section.charts.push({ name: 'set-latency', title, svg: distributionChart(title, shown) });
}

async function bursts(section, { mem, untimed, piped }, port, count, rounds) {
  const times = (make) => Promise.all(Array.from({ length: count }, (_, n) => make(n)));
  const runs = [
    {
      name: 'synced-memory push, then $flush',
      push() {
        const list = mem.burst;
        for (let n = 0; n < count; n++) list.push(n);
        return mem.$flush();
      },
    },
    { name: 'ioredis RPUSH, auto-pipelining', push: () => times((n) => piped.rpush('burst', n)) },
    { name: 'node-redis RPUSH, no command timeout', push: () => times((n) => untimed.rPush('burst', String(n))) },
    {
      name: 'redis-benchmark RPUSH -P 32, one connection',
      push: () => redisBenchmark(port, ['-c', '1', '-P', '32', '-n', String(count)], ['RPUSH', 'burst', '7']),
    },
  ].map((run) => ({ ...run, rates: /** @type {number[]} */ ([]) }));
  for (let round = -1; round < rounds; round++) {
    for (const { name, push, rates } of runs) {
      mem.burst = [];
      await mem.$flush();
      await untimed.del('burst');
      const began = performance.now();
      const result = await push();
      const rate = name.startsWith('redis-benchmark') ? result.rate : (count / (performance.now() - began)) * 1000;
      const stored = name.startsWith('synced')
        ? JSON.parse((await untimed.get('bench:burst')) ?? '').value.length
        : await untimed.lLen('burst');
      if (stored !== count) throw new Error(`${name}: the server has ${stored} of ${count}`);
      if (round >= 0) rates.push(rate);
    }
  }
  const [ours = 0, ioredis = 0] = runs.map(({ rates }) => median(rates));
  section.tables.push({
    title: `${grouped(count)} appends fired at once, acknowledged a second`,
    rows: [
      ['', 'median (quartiles)', 'beside'],
      ...runs.map(({ name, rates }) => [name, spread(rates, grouped), `${(median(rates) / ours).toFixed(2)} ×`]),
    ],
  });
  for (const { name, rates } of runs.slice(1)) {
    section.ratios.push({ what: 'appends fired at once', peer: name, ratio: median(rates) / ours });
  }
  expectAtMost(section, 'time of appends fired at once beside ioredis', ioredis / ours, 0.33);
}

/** The bytes that the server received during one append, without those of the INFO request itself. */
async function bytesOfPush(section, { mem, node }) {
  const received = async () => Number((await node.info('stats')).match(/total_net_input_bytes:(\d+)/)?.[1]);
  const around = async (action) => {
    const before = await received();
    await action();
    return (await received()) - before;
  };
  const push = () => {
    mem.list1000.push(7);
    return mem.$flush();
  };
  const samples = [];
  for (let count = 0; count < 21; count++) samples.push((await around(push)) - (await around(() => {})));
  expectAtMost(section, 'bytes to the server for one append', median(samples), 500, { unit: 'bytes', digits: 0 });
}
