// `incrementer.mjs URL TIMES` increments `count`, several times at once, and sends the results to the process that started it.
import { Memory } from 'synced-memory';

const [url, times] = process.argv.slice(2);
const mem = await Memory.open({ url });
const values = await Promise.all(Array.from({ length: Number(times) }, () => mem.$increment('count')));
await mem.$close();
process.send?.(values);
