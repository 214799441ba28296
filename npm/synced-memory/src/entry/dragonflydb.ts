import { engine } from '#engine';
import { memoryClasses } from '../classes.js';
import { dragonflydb } from '../environment.js';
import type { AnyState, Memory as MemoryOf } from '../types.js';

export * from '../api.js';

/** Where nothing else is said, the DragonflyDB on this machine. */
export const { Memory, PrefixedMemory } = memoryClasses(dragonflydb, engine);
export type Memory<S extends object = AnyState> = MemoryOf<S>;
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
