// One memory, used by what was required and by what was imported.
const assert = require('node:assert');
const required = require('synced-memory');
const edge = require('synced-memory/edge');

async function main() {
  const imported = await import('synced-memory');
  assert.strictEqual(imported.Memory, required.Memory);
  const mem = await required.Memory.open({ url: 'memory://both', defaults: { tasks: ['draft'] } });
  assert(mem.tasks instanceof imported.SyncedList);
  imported.synced(mem.tasks).append('review');
  const other = await imported.Memory.open('memory://both');
  await mem.$flush();
  await other.$sync();
  const inContext = await edge.Memory.open({ defaults: { tasks: [] } });
  assert(inContext.tasks instanceof imported.SyncedList);
  console.log(JSON.stringify(other.tasks));
  for (const one of [mem, other, inContext]) await one.$close();
}

main();
