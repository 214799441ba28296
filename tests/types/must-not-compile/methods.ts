import type { SyncedMemoryError } from 'synced-memory';
import { open } from './state.js';

const mem = await open();
mem.$batch(() => mem.tasks.push('a'));
mem.$batch(async () => mem.tasks.push('a')); // error: an async function
await mem.$transaction(async (draft) => draft.tasks.push('b'));
await mem.$transaction((draft) => draft.task.push('b')); // error: no such attribute
await mem.$increment('counter'); // error: no such attribute
await mem.$update('task', () => []); // error: no such attribute
await mem.$load(['tasks', 'task']); // error: no such attribute
await mem.$expire('task', 1); // error: no such attribute
mem.$on('change', () => {}, ['tasks', 0]);
mem.$on('change', () => {}, ['task', 0]); // error: no such attribute
mem.$on('changes', () => {}); // error: no such event
mem.$snapshot('task'); // error: no such attribute
mem.$snapshot('tasks').push('a'); // error: frozen

export const isClosed = (error: SyncedMemoryError) => error.code === 'ERR_CLOSE'; // error: no such code
