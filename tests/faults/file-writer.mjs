// `file-writer.mjs PATH` pushes 2,000 numbers onto the log of a file, and stores 500 kB beside it. Prints the code of the first
// error, and the end.
import { Memory } from 'synced-memory';

/** @type {import('synced-memory').Memory<{ log: number[], filler: string }> | undefined} */
let mem;
try {
  mem = await /** @type {Promise<NonNullable<typeof mem>>} */ (
    Memory.open({ url: `file:${process.argv[2]}`, onError: () => {} })
  );
} catch (error) {
  console.log(`refused ${/** @type {{ code: string }} */ (error).code}`);
}
if (mem !== undefined) {
  let errors = 0;
  mem.$on('error', ({ code }) => {
    if (++errors === 1) console.log(`error ${code}`);
  });
  for (let n = 0; n < 2000; n++) {
    mem.log.push(n);
    if (n === 1000) mem.filler = 'x'.repeat(500_000);
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await mem.$flush();
  console.log('flushed');
  await mem.$close();
}
