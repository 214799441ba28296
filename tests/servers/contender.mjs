// `contender.mjs URL INDEX WRITERS TOTAL WORK` adds one key after another to `table`, each in a commit of its own, from when all
// writers are there until the dict has TOTAL keys. WORK is `commits`: each key is followed by a commit to `other`;
// `transactions`: each key is added by a transaction that changes `other`, too; or `batches` of the same mutations.
import { Memory } from 'synced-memory';

const [url, index = '', writers, total, work = 'commits'] = process.argv.slice(2);
const mem = await Memory.open({ url, names: ['table', 'other'] });
const { table, other } = mem;

/** @type {Record<string, (n: number) => unknown>} */
const add = {
  async commits(n) {
    table[`${index}-${n}`] = n;
    await mem.$flush();
    other[index] = n;
    await mem.$flush();
  },
  transactions: (n) =>
    mem.$transaction((draft) => {
      draft.table[`${index}-${n}`] = n;
      draft.other[index] = draft.other[index] + 1;
    }),
  batches(n) {
    mem.$batch(() => {
      table[`${index}-${n}`] = n;
      other[index] = n;
    });
    return mem.$flush();
  },
};
table[`ready${index}`] = 1;
other[index] = 0;
const ready = () => Object.keys(table).filter((key) => key.startsWith('ready')).length;
while (ready() < Number(writers)) await new Promise((resolve) => setTimeout(resolve, 5));
for (let n = 0; Object.keys(table).length < Number(total); n++) {
  await add[work]?.(n);
  // A process that never waits keeps its core until the others' turn on it comes, and makes all commits until then.
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await mem.$close();
