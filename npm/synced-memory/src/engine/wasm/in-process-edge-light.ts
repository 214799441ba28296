// Vercel's edge functions may not compile code: the suffix makes the bundler import the module compiled.
// @ts-expect-error -- TypeScript has no type for an imported .wasm file
import module from '../../../wasm/in-process.wasm?module';

export function loadModule(): WebAssembly.Module {
  return module;
}
