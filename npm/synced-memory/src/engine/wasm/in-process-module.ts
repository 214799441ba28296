import * as glue from '../../../wasm/in-process.js';

/** The parts of the generated glue and of the module that their types leave out. */
interface LoaderGlue {
  __wbg_set_wasm(exports: WebAssembly.Exports): void;
}
interface LoaderExports {
  __wbindgen_start(): void;
}

let isStarted = false;

/** Creates a server in the one instance of its wasm module, which `loadModule` gives for the first one. */
export function createInProcessServer(loadModule: () => WebAssembly.Module): glue.InProcessServer {
  if (!isStarted) {
    const { exports } = new WebAssembly.Instance(loadModule(), { './in-process_bg.js': glue as never });
    (glue as unknown as LoaderGlue).__wbg_set_wasm(exports);
    (exports as unknown as LoaderExports).__wbindgen_start();
    isStarted = true;
  }
  return new glue.InProcessServer();
}
