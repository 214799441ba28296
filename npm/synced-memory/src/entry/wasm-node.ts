import type { Engine } from '../engine/engine.js';
import { loadModule } from '../engine/wasm/load-inline.js';
import { wasmEngine } from '../engine/wasm/wasm-engine.js';
import { tcpTransport } from './tcp-url.js';
import { memoryTransport } from './url-transports.js';

/** The wasm engine of a Node process, with TCP sockets: the condition `synced-memory-wasm` selects it. */
export const engine: Engine = wasmEngine({
  loadModule,
  transport: ({ url }) => memoryTransport(url) ?? tcpTransport(url),
});
