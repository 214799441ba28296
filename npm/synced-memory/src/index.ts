import { engine } from '#engine';
import { type MemoryClass, memoryClasses, type PrefixedMemoryClass } from './classes.js';
import { anywhere } from './environment.js';
import type { AnyState, Memory as MemoryOf } from './types.js';

export * from './api.js';

const classes = memoryClasses(anywhere, engine);

/** Lists and dicts that every process shares which opens the same memory. */
export const Memory: MemoryClass = classes.Memory;
/** An open memory. S is the shape of its attributes. */
export type Memory<S extends object = AnyState> = MemoryOf<S>;

/** A memory whose keys are `<prefix><scope>:<name>`. */
export const PrefixedMemory: PrefixedMemoryClass = classes.PrefixedMemory;
/** An open memory of one scope. */
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
