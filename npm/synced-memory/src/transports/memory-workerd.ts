import type { Transport } from '../engine/transport.js';
import { inProcessTransport } from './in-process-server.js';

/**
 * `memory()` for `memory:` URLs in Workers. Their bundlers make one file of all, in which a static import of the wasm module
 * would load it for every Worker.
 */
export async function memory(name?: string): Promise<Transport> {
  // @ts-expect-error -- TypeScript has no type for an imported .wasm file
  const imported: { default: WebAssembly.Module } = await import('../../wasm/in-process.wasm');
  return inProcessTransport(() => imported.default, name);
}
