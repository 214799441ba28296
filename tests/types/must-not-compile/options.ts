import { Memory, PrefixedMemory } from 'synced-memory';
import type { State } from './state.js';

await Memory.open<State>({ defaults: { tasks: [1] } }); // error: the default has another type
await Memory.open<State>({ defaults: { task: [] } }); // error: no such attribute
await Memory.open<State>({ names: ['task'] }); // error: no such attribute
await Memory.open({ defaults: 5 }); // error: no attributes
await Memory.open({ openTimout: 5 }); // error: a misspelled option
await Memory.open<State>({ openTimout: 5 }); // error: a misspelled option
await PrefixedMemory.open<State>('scope', { names: ['task'] }); // error: no such attribute
Memory.openSync<State>({ defaults: { count: 'none' } }); // error: the default has another type
new Memory(); // error: new opens no memory
