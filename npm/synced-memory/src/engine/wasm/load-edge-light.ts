// Vercel's edge functions may not compile code: the suffix makes the bundler import the module compiled.
// @ts-expect-error -- TypeScript has no type for an imported .wasm file
import module from '../../../wasm/core.wasm?module';

export async function loadModule(): Promise<WebAssembly.Module> {
  return module;
}
