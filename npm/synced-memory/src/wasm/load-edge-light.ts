// Vercel's way to import a compiled module.
// @ts-expect-error -- a module of its own kind
import module from '../../wasm/core.wasm?module';

export async function loadModule(): Promise<WebAssembly.Module> {
  return module;
}
