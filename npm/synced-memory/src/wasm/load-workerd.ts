// Runtimes that compile no code have the bundler's compiled module.
// @ts-expect-error -- a module of its own kind
import module from '../../wasm/core.wasm';

export async function loadModule(): Promise<WebAssembly.Module> {
  return module;
}
