import { memoryClasses } from '../classes.js';
import type { Defaults } from '../options.js';
import type { AnyState, Memory as MemoryOf } from '../types.js';
import { engine } from '../wasm/edge.js';

export * from '../api.js';
export type { Command, Reply, Transport } from '../transport.js';
export { init } from '../wasm/edge.js';

/** No server is near: without a transport, a memory of this JavaScript context. */
const defaults: Defaults = { url: () => 'memory:', prefix: () => undefined };

export const { Memory, PrefixedMemory } = memoryClasses(defaults, engine);
export type Memory<S extends object = AnyState> = MemoryOf<S>;
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
