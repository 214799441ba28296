import { type Memory as MemoryOf, memoryClasses } from '../memory.js';
import { anywhere } from '../options.js';
import type { AnyState } from '../types.js';

export * from '../index.js';

/** Where nothing else is said, the Redis on this machine. */
export const { Memory, PrefixedMemory } = memoryClasses({ ...anywhere, url: 'redis://localhost:6379' });
export type Memory<S extends object = AnyState> = MemoryOf<S>;
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
