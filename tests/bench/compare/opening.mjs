// Opening a large document, and many small ones: time, memory, and the longest block of the event loop, a process for each.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { grouped, median } from '../report.mjs';
import { expectAtMost, newSection, size, spread, threeDigits } from './section.mjs';

const text = `Opening what is stored, in a new process for each round, in turns; the connection is made beforehand. node-redis and ioredis:
GET and JSON.parse of the document; SCAN (COUNT 1000), MGET and JSON.parse of the many, page by page. Memory is the resident set
beyond that before opening, after a garbage collection. A block is the time between two turns of a timer of 1 ms; other
work on the machine lengthens it, and not the part of it for which the thread had a core.`;
const tree =
  'the core keeps a tree of every value beside the values of JavaScript, and both are built in one turn of the event loop; a rope of text is being worked on';
const contenders = ['synced-memory', 'node-redis', 'ioredis'];

/** @param {string} url @param {boolean} isQuick */
export async function opening(url, isQuick) {
  const section = newSection('Opening', text);
  const client = await createClient({ url, commandOptions: { timeout: 0 } }).connect();
  const objects = isQuick ? 40_000 : 400_000;
  const large = Array.from({ length: objects }, (_, id) => ({
    id,
    name: `person ${id}`,
    tags: ['a', 'b'],
    n: { x: id },
  }));
  const document = JSON.stringify({ value: large, last_modified: 1 }).replace(/,"last/, ',"last');
  await client.set('large:document', document);
  const attributes = isQuick ? 2_000 : 10_000;
  for (let at = 0; at < attributes; at += 500) {
    const entries = Array.from({ length: 500 }, (_, n) => [
      `many:attribute${at + n}`,
      JSON.stringify({ value: { id: at + n, name: `person ${at + n}`, text: 'x'.repeat(950) }, last_modified: 1 }),
    ]);
    await client.mSet(Object.fromEntries(entries));
  }
  const one = await compare(
    section,
    url,
    'large',
    objects,
    isQuick ? 2 : 7,
    `One document of ${size(document.length)}`,
  );
  expectAtMost(section, 'memory of the large document beside the plain value', one.memory, 1.6, { reason: tree });
  expectAtMost(section, 'opening the large document beside GET + JSON.parse', one.ms, 1.1, { reason: tree });
  expectAtMost(section, 'longest block while it opens, with a core', one.work, 25, {
    unit: 'ms',
    digits: 0,
    reason: tree,
  });
  const many = await compare(
    section,
    url,
    'many',
    attributes,
    isQuick ? 5 : 21,
    `${grouped(attributes)} attributes of 1 KB`,
  );
  expectAtMost(section, 'opening many attributes beside SCAN + MGET + JSON.parse', many.ms, 1, {
    reason:
      'every attribute becomes a replica with a guard and a revision, and its text is parsed in the core and again in JavaScript',
  });
  expectAtMost(section, 'longest block while they open, with a core', many.work, 25, {
    unit: 'ms',
    digits: 0,
    reason: 'what is read of one page of names is shown in one turn of the event loop',
  });
  client.destroy();
  return section;
}

/** Resolves to our time and memory beside node-redis's, and our longest block in milliseconds. */
async function compare(section, url, what, expected, rounds, title) {
  const runs = contenders.map((name) => ({ name, results: /** @type {any[]} */ ([]) }));
  for (let round = -1; round < rounds; round++) {
    for (const { name, results } of round % 2 === 0 ? runs : [...runs].reverse()) {
      const result = await open(name, what, url);
      if (result.opened !== expected) throw new Error(`${name}: opened ${result.opened} of ${expected}`);
      if (round >= 0) results.push(result);
    }
  }
  const all = (run, property) => run.results.map((result) => result[property]);
  const [ours, node] = runs;
  const beside = (run, property) => `${(median(all(run, property)) / median(all(ours, property))).toFixed(2)} ×`;
  const ms = (value) => `${threeDigits(value)} ms`;
  section.tables.push({
    title,
    rows: [
      [
        '',
        'time (quartiles)',
        'beside',
        'longest block (quartiles)',
        'of it with a core',
        'memory (quartiles)',
        'beside',
      ],
      ...runs.map((run) => [
        run.name,
        spread(all(run, 'ms'), ms),
        beside(run, 'ms'),
        spread(all(run, 'block'), ms),
        spread(all(run, 'work'), ms),
        spread(all(run, 'memory'), size),
        beside(run, 'memory'),
      ]),
    ],
  });
  for (const run of runs.slice(1)) {
    for (const property of ['ms', 'memory', 'work']) {
      const ratio = median(all(ours, property)) / median(all(run, property));
      const kind = { ms: 'time', memory: 'memory', work: 'longest block' }[property];
      section.ratios.push({ what: `opening ${title.replace('One', 'one')}, ${kind}`, peer: run.name, ratio });
    }
  }
  const ratio = (property) => median(all(ours, property)) / median(all(node, property));
  return { ms: ratio('ms'), memory: ratio('memory'), work: median(all(ours, 'work')) };
}

async function open(name, what, url) {
  const program = fileURLToPath(new URL('opening-process.mjs', import.meta.url));
  const child = fork(program, [name, what, url], { execArgv: ['--expose-gc'] });
  const [result] = await once(child, 'message');
  await once(child, 'exit');
  return result;
}
