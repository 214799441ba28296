// Pushes one item: `writer.mjs URL ITEM`, in a process or in a worker thread.
import { Memory } from 'synced-memory';

const [url, item = ''] = process.argv.slice(2);
/** @type {import('synced-memory').Memory<{ log: string[] }>} */
const mem = await Memory.open({ ...(url && { url }), defaults: { log: [] } });
mem.log.push(item);
await mem.$close();
