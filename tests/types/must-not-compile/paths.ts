import { Memory } from 'synced-memory';

interface State {
  count: number;
  limit?: number;
  tasks: { title: string; hours?: number; tags: string[] }[];
  scores: Record<string, number>;
  config: { theme: 'light' | 'dark'; size: { width: number } } | null;
  id: number | string;
}

const mem = await Memory.open<State>('memory:');

await mem.$increment('count');
await mem.$increment('limit', 2);
await mem.$increment('id');
await mem.$increment(['tasks', 0, 'hours']);
await mem.$increment(['scores', 'anybody']);
await mem.$increment(['config', 'size', 'width'], 2n);
const key: string = 'size';
await mem.$increment(['config', key]);
await mem.$increment('tasks'); // error: `the state declares no number at this path`
await mem.$increment(['config', 'theme']); // error: a text
await mem.$increment(['config', 'size', 'height']); // error: `the state declares nothing at this path`
await mem.$increment(['tasks', 'first', 'hours']); // error: no index
await mem.$increment(['nothing', 'size']); // error: no such attribute

const task: State['tasks'][number] | undefined = await mem.$shift('tasks');
const tag: string | undefined = await mem.$pop(['tasks', 0, 'tags']);
await mem.$shift('count'); // error: `the state declares no list at this path`
await mem.$pop(['config', 'size']); // error: not a list
await mem.$pop(['config', 'sizes']); // error: no such key

mem.$on('change', ({ name }) => name satisfies 'config', ['config', 'size']);
mem.$on('change', ({ name }) => name satisfies 'count', 'count');
mem.$on('change', ({ name }) => name satisfies keyof State);
mem.$on('change', () => {}, ['config', 'sizes']); // error: no such key
mem.$on('change', () => {}, 'counts'); // error: no such attribute
mem.$on('change', ({ name }) => name satisfies 'config', 'count'); // error: another attribute

mem.$on('change', (change) => {
  if (change.kind === 'delete') change.value satisfies undefined;
  if (change.kind === 'splice') change.value satisfies readonly unknown[];
  if (change.kind === 'reload' && change.name === 'count') change.value satisfies number | undefined;
  if (change.kind === 'set' && change.name === 'scores') {
    const scores: number | Readonly<Record<string, number>> = change.value;
    return scores;
  }
  if (change.kind === 'moved') return; // error: no such kind
  return change.value satisfies number; // error: any of them
});

for await (const { name, value } of mem.$changes('count')) {
  name satisfies 'count';
  value satisfies number | undefined | readonly unknown[];
}
mem.$changes('counts'); // error: no such attribute
await mem.$ttl('counts'); // error: no such attribute
await mem.$persist('counts'); // error: no such attribute
await mem.$history('counts'); // error: no such attribute
await mem.$at('counts', 1n); // error: no such attribute
await mem.$restore('counts', 1n); // error: no such attribute
mem.$lastModified('counts'); // error: no such attribute

mem.close(); // error: `Type 'never' has no call signatures`
mem.on('change', () => {}); // error: $on
await mem.flush(); // error: $flush
const other = await Memory.open<{ close: string; flush: boolean }>('memory:');
other.close.trim();
other.flush = true;
other.sync(); // error: $sync

export { tag, task };
