import { loadModule } from '#core';
import type { Engine } from '../engine/engine.js';
import { setCoreModule } from '../engine/wasm/core-module.js';
import { wasmEngine } from '../engine/wasm/wasm-engine.js';
import { memoryTransport, unsupportedUrl } from './url-transports.js';

/**
 * Provides the core as a `WebAssembly.Module` or as bytes (the package's `core.wasm`), before the first memory is opened: for
 * runtimes in which the entry's own way to load it fails.
 */
export async function init(source: object): Promise<void> {
  // `instanceof` is false for a module of another realm, as in edge-runtime.
  const isModule = Object.prototype.toString.call(source) === '[object WebAssembly.Module]';
  setCoreModule(isModule ? (source as WebAssembly.Module) : await WebAssembly.compile(source as BufferSource));
}

/** The wasm engine of runtimes without sockets: memories are opened over a transport of the user's, or in this context. */
export const engine: Engine = wasmEngine({
  loadModule,
  transport: ({ url }) => memoryTransport(url) ?? unsupportedUrl(url, 'memory:'),
});
