import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
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

function load(): Binding {
  // The same from src/ and from dist/.
  const file = fileURLToPath(new URL('../synced-memory.node', import.meta.url));
  try {
    return createRequire(import.meta.url)(file) as Binding;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new SyncedMemoryError(
      'ERR_ADDON',
      `the native addon cannot be loaded on ${process.platform}-${process.arch}: ${cause}; build it with \`npm run build\` in the repository`,
      { cause: error },
    );
  }
}
