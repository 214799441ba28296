// `npm run demo [-- redis://host:6379]`: two processes mutate the same memory, and each prints what it sees.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { build } from '../../scripts/build.mjs';
import { Failure, runAsScript } from '../../scripts/script.mjs';
import { steps } from './steps.mjs';

const participant = fileURLToPath(new URL('participant.mjs', import.meta.url));
const names = ['ana', 'ben'];

/**
 * Runs all steps on the memory at `url`, under a prefix of this run's own, and removes what it stored.
 * @param {string} url
 * @param {(line: string) => void} print
 */
export async function demo(url, print) {
  const prefix = `demo-${process.pid}:`;
  const processes = new Map(names.map((name) => [name, fork(participant, [name, url, prefix])]));
  /** @type {(name: string, request: string, step: number) => Promise<any>} */
  const ask = async (name, request, step) => {
    const child = /** @type {import('node:child_process').ChildProcess} */ (processes.get(name));
    child.send({ request, step });
    return (await message(child, name)).seen;
  };
  try {
    await Promise.all([...processes].map(([name, child]) => message(child, name)));
    for (const [step, { who, action, attribute }] of steps.entries()) {
      const source = action.toString().replace(/^\(.*?\) => /, '');
      print(`\n${who.join(' and ')}: ${source.replace(/^\((.*)\)$/, '$1').replace(/\s+/g, ' ')}`);
      await Promise.all(who.map((name) => ask(name, 'act', step)));
      const seen = await Promise.all(names.map((name) => ask(name, 'see', step)));
      for (const [index, name] of names.entries()) print(`  ${name} sees ${attribute} = ${brief(seen[index])}`);
      if (!isDeepStrictEqual(seen[0], seen[1])) throw new Failure(`ana and ben see different ${attribute}`);
      if (who.length > 1)
        print(`  ${seen[0].length} elements, ${new Set(seen[0]).size} different: none lost, none twice`);
    }
    const gone = [...processes.values()].map((child) => once(child, 'exit'));
    processes.get('ben')?.disconnect();
    processes.get('ana')?.send({ request: 'clean' });
    await Promise.all(gone);
    print('\nBoth processes saw the same at every step.');
  } finally {
    for (const child of processes.values()) child.kill();
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} name
 * @returns {Promise<{ seen?: any }>}
 */
function message(child, name) {
  return new Promise((resolve, reject) => {
    const failed = (/** @type {number | null} */ code) =>
      reject(new Failure(`process ${name} ended with code ${code}`));
    child.once('exit', failed);
    child.once('message', (/** @type {any} */ received) => {
      child.off('exit', failed);
      resolve(received);
    });
  });
}

/** @param {unknown} value */
function brief(value) {
  const text = JSON.stringify(value);
  return text.length <= 100 ? text : `${text.slice(0, 60)} … ${text.slice(-20)}`;
}

await runAsScript(import.meta.url, async () => {
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'synced-memory-demo-'));
  const url = process.argv[2] ?? `file:${join(folder, 'memory.db')}`;
  try {
    // A URL may hold a password.
    console.log(`\ntwo processes, one memory at ${url.replace(/\/\/[^/@]*@/, '//…@')}`);
    await demo(url, console.log);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
