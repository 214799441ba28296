import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { load, tools } from './tools.js';

/** Bundles a program of the project as the tools of edge runtimes do: wasm modules stay files beside the bundle. */
export async function bundle(entry: string, conditions: string[], options = {}): Promise<string> {
  const folder = join(tools, 'bundles', `${basename(entry)}-${conditions[0]}`);
  // File names hold hashes, so that files of earlier builds would stay.
  rmSync(folder, { recursive: true, force: true });
  await load('esbuild').build({
    absWorkingDir: tools,
    entryPoints: [entry],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions,
    external: ['cloudflare:*'],
    loader: { '.wasm': 'copy' },
    logLevel: 'error',
    ...options,
  });
  return folder;
}
