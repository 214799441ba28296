// Mutates in every turn and says so: `journal-writer.mjs URL JOURNAL NAME FSYNC`. It is killed some time.
import { writeSync } from 'node:fs';
import { Memory, SyncedMemoryError } from 'synced-memory';
import { prefix } from './journal-kills.mjs';

const [url = '', journal = '', name = '', fsync] = process.argv.slice(2);
/** @type {import('synced-memory').Memory<import('./journal-kills.mjs').State>} */
const mem = await Memory.open({
  url,
  prefix,
  journal: { url: journal, fsync: fsync === 'true' },
  // A server that fails over takes no writes for some seconds.
  openTimeout: 60_000,
  onError: report,
});

for (let n = 0; ; n++) {
  const id = `${name}n${n}`;
  mem.log.push(id);
  mem.bag.items.splice(n % (mem.bag.items.length + 1), 0, id);
  mem.keys[id] = n;
  mem.$batch(() => {
    mem.left.push(id);
    mem.right.push(id);
  });
  mem.$increment(['counts', 'all'], 1).catch(report);
  // The batch has been submitted before this goes on.
  await null;
  writeSync(1, `${id}\n`);
  if (n % 3 === 0) await new Promise(setImmediate);
}

/** A server that fails over cannot be reached, which loses nothing. @param {unknown} error */
function report(error) {
  if (error instanceof SyncedMemoryError && ['ERR_UNREACHABLE', 'ERR_BUSY'].includes(error.code)) return;
  writeSync(2, `${error}\n`);
}
