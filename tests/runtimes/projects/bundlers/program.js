import { Memory } from 'synced-memory';
import { Memory as EdgeMemory } from 'synced-memory/edge';

for (const { open } of [Memory, EdgeMemory]) {
  const mem = await open('memory:');
  mem.tasks = ['draft'];
  mem.tasks.push('review');
  await mem.$flush();
  console.log(JSON.stringify(mem.tasks));
  await mem.$close();
}
