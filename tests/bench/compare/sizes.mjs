// The cost of one acknowledged mutation against the size of the document.
import { createClient } from 'redis';
import { Memory } from 'synced-memory';
import { median } from '../report.mjs';
import { lineChart, logAxis, logTime } from './chart.mjs';
import { takeTurns, timed } from './interleave.mjs';
import { duration, expectAtMost, newSection, size } from './section.mjs';

const text = `One acknowledged mutation of a list of objects, by the length of its stored text; medians. Growth is a string that becomes
one character longer, near the front, in the middle and at the end: the bytes behind it move on the server. "GET, change, SET"
is node-redis with JSON under a key, and RPUSH a list of as many elements.`;
const tail =
  'the bytes behind a value that grows are moved inside the server; gaps in the text, which would stop that, are read and not written yet';

/** @param {string} url @param {boolean} isQuick */
export async function documentSizes(url, isQuick) {
  const section = newSection('Cost against size', text);
  const mem = /** @type {import('synced-memory').Memory<any>} */ (
    await Memory.open({ url, prefix: 'sizes:', maxDocumentBytes: 1 << 28 })
  );
  const node = await createClient({ url, commandOptions: { timeout: 0 } }).connect();
  const sizes = isQuick ? [1e3, 1e5] : [1e3, 1e4, 1e5, 1e6, 1e7, 5e7];
  const runs = [];
  for (const bytes of sizes) runs.push(...(await runsOf(mem, node, bytes)));
  await takeTurns(runs, isQuick ? 8 : 30);
  await mem.$close();
  node.destroy();

  const names = [...new Set(runs.map(({ name }) => name))];
  const at = (name, bytes) => median(runs.find((run) => run.name === name && run.bytes === bytes).samples);
  section.tables.push({
    title: 'One acknowledged mutation, by length of the document',
    rows: [
      ['', ...sizes.map(size)],
      ...names.map((name) => [name, ...sizes.map((bytes) => duration(at(name, bytes)))]),
    ],
  });
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)];
  for (const name of names.slice(0, 5)) {
    const reason = name.startsWith('grow') ? tail : undefined;
    const worst = Math.max(...sizes.map((bytes) => at(name, bytes))) / at(name, smallest);
    expectAtMost(
      section,
      `${name}: the slowest of ${size(smallest)} to ${size(largest)} beside ${size(smallest)}`,
      worst,
      1.5,
      {
        reason,
      },
    );
    for (const bytes of sizes) {
      section.ratios.push({
        what: `${name}, ${size(bytes)}`,
        peer: 'GET, change, SET',
        ratio: at(name, bytes) / at(names[5], bytes),
      });
    }
  }
  const title = 'One acknowledged mutation against the size of the document';
  const series = names.map((name) => ({ name, points: sizes.map((bytes) => [bytes, at(name, bytes)]) }));
  const x = logAxis('length of the stored text, log', size);
  const y = logAxis('median, log', logTime);
  section.charts.push({ name: 'cost-against-size', title, svg: lineChart({ title, x, y, series }) });
  return section;
}

async function runsOf(mem, node, bytes) {
  const each = 100;
  const count = Math.max(4, Math.round(bytes / each));
  const elements = Array.from({ length: count }, (_, id) => ({ id, name: `person ${id}`, note: 'n'.repeat(40) }));
  const name = `doc${bytes}`;
  mem[name] = elements;
  await mem.$flush();
  const list = mem[name];
  await node.set(`whole:${bytes}`, JSON.stringify(elements));
  for (let at = 0; at < count; at += 5_000) {
    await node.rPush(
      `elements:${bytes}`,
      elements.slice(at, at + 5_000).map((element) => JSON.stringify(element)),
    );
  }
  let call = 0;
  const change = (mutate) =>
    timed(() => {
      mutate(call++);
      return mem.$flush();
    });
  const grow = (element) =>
    change((n) => {
      element.note = 'n'.repeat(41 + (n % 400));
    });
  const calls = bytes > 2e6 ? 2 : 10;
  const slow = bytes > 2e6 ? { rounds: 6 } : {};
  const run = (name, sample, more = {}) => ({ name, bytes, sample, calls, samples: [], ...more });
  const element = { id: 1, name: 'person', note: 'n'.repeat(40) };
  return [
    run(
      'push',
      change((id) => list.push({ ...element, id })),
    ),
    run(
      'set of equal length',
      change((n) => {
        list[count >> 1].id = (n % 9) + 10 ** (String(count >> 1).length - 1);
      }),
    ),
    run('growth near the front', grow(list[1]), slow),
    run('growth in the middle', grow(list[(count >> 1) + 1]), slow),
    run('growth at the end', grow(list[count - 2])),
    run(
      'GET, change, SET',
      timed(async () => {
        const value = JSON.parse((await node.get(`whole:${bytes}`)) ?? '');
        value.push(element);
        await node.set(`whole:${bytes}`, JSON.stringify(value));
      }),
      bytes > 2e6 ? { calls: 1, rounds: 5 } : {},
    ),
    run(
      'RPUSH',
      timed(() => node.rPush(`elements:${bytes}`, JSON.stringify(element))),
    ),
  ];
}
