import { CoreInstance } from './core-instance.js';

let loaded: WebAssembly.Module | undefined;
let loading: Promise<void> | undefined;
let instance: CoreInstance | undefined;

/** Uses this module for all instances to come, unless there is one already. */
export function setCoreModule(module: WebAssembly.Module): void {
  loaded ??= module;
}

/** Loads the module by `load`, unless there is one already or on its way. */
export async function loadCoreModule(load: () => Promise<WebAssembly.Module>): Promise<void> {
  if (loaded !== undefined) return;
  loading ??= load().then(setCoreModule);
  await loading;
}

/** The instance for new sessions: a fresh one after a trap. The module must be loaded. */
export function currentInstance(): CoreInstance {
  if (instance === undefined || instance.hasEnded) instance = new CoreInstance(loaded as WebAssembly.Module);
  return instance;
}
