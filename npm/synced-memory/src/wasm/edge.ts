import { loadModule } from '#core';
import type { Engine } from '../binding.js';
import { isRunning, start } from './core.js';
import { wasmEngine } from './engine.js';
import { inProcess, noTransport } from './in-process.js';

let starting: Promise<void> | undefined;

/**
 * Starts the core with a WebAssembly.Module or bytes of your own (the package's core.wasm), before the first memory is
 * opened: where the way that this runtime's entry has does not work.
 */
export async function init(source: object): Promise<void> {
  const isModule = Object.prototype.toString.call(source) === '[object WebAssembly.Module]';
  start(isModule ? (source as WebAssembly.Module) : await WebAssembly.compile(source as BufferSource));
}

/** The wasm build where there are no sockets: memories are opened over a transport of the user's. */
export const engine: Engine = wasmEngine({
  async start() {
    if (isRunning()) return;
    starting ??= loadModule().then(start);
    await starting;
  },
  transport: (settings) => inProcess(settings.url) ?? noTransport(settings, 'memory:'),
});
