import { createRequire } from 'node:module';
import type { Binding, Engine } from './binding.js';
import { SyncedMemoryError } from './errors.js';
import type { Settings } from './options.js';

/** The native addon: sockets and files of its own, and calls that block. */
export const engine: Engine = { bind: async (settings) => addonFor(settings), bindSync: addonFor };

function addonFor({ transport }: Settings): Binding {
  if (transport === undefined) return addon();
  throw new SyncedMemoryError(
    'ERR_OPTIONS',
    "the native addon has connections of its own: pass { url }, or import from 'synced-memory/edge' to use a transport",
  );
}

let loaded: Binding | undefined;

/** The native addon, loaded on first use. Throws ERR_ADDON with every cause. */
function addon(): Binding {
  loaded ??= load();
  return loaded;
}

/** What was built here, then what npm installed for this platform. Not written as URLs, which bundlers would copy. */
function candidates(): string[] {
  const platform = `synced-memory-${process.platform}-${process.arch}`;
  // The wrong one of these two does not load.
  const packages = process.platform === 'linux' ? [`${platform}-gnu`, `${platform}-musl`] : [platform];
  return ['../synced-memory.node', ...packages];
}

function load(): Binding {
  const require = createRequire(import.meta.url);
  const causes: unknown[] = [];
  for (const candidate of candidates()) {
    try {
      return require(candidate) as Binding;
    } catch (error) {
      causes.push(error);
    }
  }
  throw new SyncedMemoryError('ERR_ADDON', explained(causes));
}

function explained(causes: unknown[]): string {
  const tried = candidates().map((candidate, i) => {
    const message = causes[i] instanceof Error ? causes[i].message : String(causes[i]);
    // Node goes on with a stack of files.
    return `\n  ${candidate}: ${message.split('\n', 1)[0]}`;
  });
  return `the native addon cannot be loaded on ${process.platform}-${process.arch}:${tried.join('')}
Install again with optional dependencies (npm install --include=optional), or use the wasm build, which needs no addon: import from 'synced-memory/edge' and pass a transport, such as nodeRedis(client) from 'synced-memory/transports/node-redis'`;
}
