// Increments `count` so many times, with some in flight at once, and reports what came of each: `incrementer.mjs URL TIMES`.
import { Memory } from 'synced-memory';

const [url, times] = process.argv.slice(2);
const mem = await Memory.open({ url });
const values = await Promise.all(Array.from({ length: Number(times) }, () => mem.$increment('count')));
await mem.$close();
process.send?.(values);
