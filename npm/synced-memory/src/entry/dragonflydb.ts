import { type Memory as MemoryOf, memoryClasses } from '../memory.js';
import { dragonflydb } from '../options.js';
import type { AnyState } from '../types.js';

export * from '../index.js';

/** Where nothing else is said, the DragonflyDB on this machine. */
export const { Memory, PrefixedMemory } = memoryClasses(dragonflydb);
export type Memory<S extends object = AnyState> = MemoryOf<S>;
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
