// Workers may not compile code: their bundlers import the module compiled.
// @ts-expect-error -- TypeScript has no type for an imported .wasm file
import module from '../../../wasm/in-process.wasm';

export function loadModule(): WebAssembly.Module {
  return module;
}
