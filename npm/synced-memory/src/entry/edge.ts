import { loadModule } from '#core';
import { memoryClasses } from '../memory.js';
import type { Defaults } from '../options.js';
import type { AnyState, Memory as MemoryOf } from '../types.js';
import { type Core, running, start } from '../wasm/core.js';
import { wasmEngine } from '../wasm/engine.js';
import { inProcess, noTransport } from '../wasm/in-process.js';

export * from '../api.js';
export type { Command, Reply, Transport } from '../transport.js';

let starting: Promise<Core> | undefined;

/**
 * Starts the core with a WebAssembly.Module or bytes of your own (the package's wasm/core.wasm), before the first
 * memory is opened: where the way that this runtime's entry has does not work.
 */
export async function init(source: object): Promise<void> {
  const isBytes = ArrayBuffer.isView(source) || Object.prototype.toString.call(source) === '[object ArrayBuffer]';
  start(isBytes ? await WebAssembly.compile(source as BufferSource) : (source as WebAssembly.Module));
}

const engine = wasmEngine({
  core() {
    starting ??= loadModule().then(start);
    return running() ?? starting;
  },
  transport: (settings) => inProcess(settings.url) ?? noTransport(settings, 'memory:'),
});

/** No server is near: without a transport, a memory of this JavaScript context. */
const defaults: Defaults = { urls: [], env: [], url: 'memory:' };

export const { Memory, PrefixedMemory } = memoryClasses(defaults, engine);
export type Memory<S extends object = AnyState> = MemoryOf<S>;
export type PrefixedMemory<S extends object = AnyState> = MemoryOf<S>;
