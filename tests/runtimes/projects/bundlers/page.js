// A page: two memories of this tab, with the package's main entry, which browsers get as wasm.
import { Memory } from 'synced-memory';

const options = { url: 'memory://page', defaults: { tasks: [] } };
const mem = await Memory.open(options);
mem.tasks.push('draft');
await mem.$flush();
const other = await Memory.open(options);
await other.$sync();
document.querySelector('#tasks').textContent = JSON.stringify(other.tasks);
