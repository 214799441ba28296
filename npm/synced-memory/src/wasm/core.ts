import * as glue from '../../wasm/core.js';

/** The core's functions: crates/wasm/src/lib.rs. */
export type Core = typeof glue;

let started = false;

/** Makes the one instance of the core in this JavaScript context. Further calls give the same. */
export function start(module: WebAssembly.Module): Core {
  if (started) return glue;
  const { exports } = new WebAssembly.Instance(module, { './core_bg.js': glue as never });
  (glue as unknown as { __wbg_set_wasm(exports: object): void }).__wbg_set_wasm(exports);
  (exports as unknown as { __wbindgen_start(): void }).__wbindgen_start();
  started = true;
  return glue;
}

/** The core, where it has been started. */
export function running(): Core | undefined {
  return started ? glue : undefined;
}
