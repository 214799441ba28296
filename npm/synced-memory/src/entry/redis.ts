import { engine } from '#engine';
import { createMemoryClasses } from '../memory/memory-classes.js';
import type { AnyState, Memory as MemoryOf } from '../memory/memory-methods.js';
import { redis } from './environment-defaults.js';

export * from './common-exports.js';

/** Memories on a Redis server: the one of the option `url`, else of the environment, else the one on this machine. */
export const { Memory, PrefixedMemory } = createMemoryClasses(redis, engine);
/** An open memory. S is the shape of its attributes. */
export type Memory<S extends object = AnyState> = MemoryOf<S>;
/** An open memory of a scope. S is the shape of its attributes. */
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
