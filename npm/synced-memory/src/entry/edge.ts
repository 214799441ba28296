import { createMemoryClasses } from '../memory/memory-classes.js';
import type { AnyState, Memory as MemoryOf } from '../memory/memory-methods.js';
import type { EntryDefaults } from '../memory/resolve-options.js';
import { engine } from './wasm-edge.js';

export type { Command, Reply, Transport } from '../engine/transport.js';
export * from './common-exports.js';
export { init } from './wasm-edge.js';

const defaults: EntryDefaults = { url: () => 'memory:', prefix: () => undefined };

/** Memories of the wasm build: over the transport that is given, or else within this JavaScript context. */
export const { Memory, PrefixedMemory } = createMemoryClasses(defaults, engine);
/** An open memory. S is the shape of its attributes. */
export type Memory<S extends object = AnyState> = MemoryOf<S>;
/** An open memory of a scope. S is the shape of its attributes. */
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
