import { base64 } from '../../../wasm/in-process-bytes.js';

/** Compiles the module from base64 text, which needs no file, no network and no permission. */
export function loadModule(): WebAssembly.Module {
  return new WebAssembly.Module(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}
