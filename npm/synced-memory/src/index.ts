import { engine } from '#engine';
import { anyBackend } from './entry/environment-defaults.js';
import { createMemoryClasses, type MemoryClass, type PrefixedMemoryClass } from './memory/memory-classes.js';
import type { AnyState, Memory as MemoryOf } from './memory/memory-methods.js';

export * from './entry/common-exports.js';

const classes = createMemoryClasses(anyBackend, engine);

/** Opens memories: lists and dicts that all processes share which open the same memory. */
export const Memory: MemoryClass = classes.Memory;
/** An open memory. S is the shape of its attributes. */
export type Memory<S extends object = AnyState> = MemoryOf<S>;

/** Opens the memories of scopes, whose keys are `<prefix><scope>:<name>`. */
export const PrefixedMemory: PrefixedMemoryClass = classes.PrefixedMemory;
/** An open memory of a scope. S is the shape of its attributes. */
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
