import { createMemoryClasses, type MemoryClass, type PrefixedMemoryClass } from '../memory/memory-classes.js';
import type { AnyState, Memory as MemoryOf } from '../memory/memory-methods.js';
import type { EntryDefaults } from '../memory/resolve-options.js';
import { engine } from './wasm-edge.js';

export type { Command, Reply, Transport } from '../engine/transport.js';
export * from './common-exports.js';
export { init } from './wasm-edge.js';

const defaults: EntryDefaults = { url: () => 'memory:', prefix: () => undefined };

const classes = createMemoryClasses(defaults, engine);

/** Opens memories of the wasm build: over the transport that is given, or else within this JavaScript context. */
export const Memory: MemoryClass = classes.Memory;
/** An open memory. S is the shape of its attributes. */
export type Memory<S extends object = AnyState> = MemoryOf<S>;

/** Opens the memories of scopes, whose keys are `<prefix><scope>:<name>`. */
export const PrefixedMemory: PrefixedMemoryClass = classes.PrefixedMemory;
/** An open memory of a scope. S is the shape of its attributes. */
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
