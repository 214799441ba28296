import { base64 } from '../../wasm/bytes.js';

/** The core, compiled from text: needs no file, no fetch and no permission. */
export function loadModule(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}
