import { load } from './tools.js';

/** A Worker in workerd. */
export interface Worker {
  dispatchFetch(url: string, init?: object): Promise<Response>;
  dispose(): Promise<void>;
}

/** Starts what a bundler has put into `folder`: the module `script`, and compiled wasm beside it. */
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
