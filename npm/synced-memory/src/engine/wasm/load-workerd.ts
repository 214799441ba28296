// Workers may not compile code: their bundlers import the module compiled.
// @ts-expect-error -- TypeScript has no type for an imported .wasm file
import module from '../../../wasm/core.wasm';

export async function loadModule(): Promise<WebAssembly.Module> {
  return module;
}
