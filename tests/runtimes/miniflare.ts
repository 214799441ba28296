import { load } from './tools.js';

/** A running Worker. */
export interface Worker {
  dispatchFetch(url: string, init?: object): Promise<Response>;
  dispose(): Promise<void>;
}

/** Starts the module `script` of a bundle in workerd. */
export function startWorker(folder: string, script: string, options: object): Worker {
  const { Miniflare } = load('miniflare');
  return new Miniflare({
    rootPath: folder,
    scriptPath: script,
    modules: true,
    modulesRules: [
      { type: 'ESModule', include: ['**/*.mjs', '**/*.js'] },
      { type: 'CompiledWasm', include: ['**/*.wasm'] },
    ],
    ...options,
  });
}
