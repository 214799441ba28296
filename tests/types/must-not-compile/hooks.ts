import { useMemory, useStatus } from 'synced-memory/react';
import { open } from './state.js';

const mem = await open();
export const tasks: readonly string[] = useMemory(mem, (m) => m.tasks);
export const lengths: number[] = useMemory(mem, (m) => m.tasks.map(({ length }) => length));
useMemory(mem, (m) => m.task); // error: no such attribute
useMemory(mem, (m) => m.tasks.push('a')); // error: frozen
useStatus(5); // error: not a memory
