import { base64 } from '../../../wasm/core-bytes.js';

/** Compiles the core from base64 text, which needs no file, no network and no permission. */
export function loadModule(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}
