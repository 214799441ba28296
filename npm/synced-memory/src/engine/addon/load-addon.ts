import nodeModule from 'node:module';
import { SyncedMemoryError } from '../../base/errors.js';
import type { Addon } from './addon-types.js';

/** Loads the native addon: the one built in this package, or the one that npm installed for this platform. Throws ERR_ADDON. */
export function loadAddon(): Addon {
  // A bundle in CommonJS has no URL of its own.
  const here = import.meta.url ?? `${process.cwd()}/`;
  // Called so that bundlers do not follow: they cannot know which file it will be, nor take it in.
  const require: NodeJS.Require = Reflect.apply(nodeModule.createRequire, undefined, [here]);
  const causes: string[] = [];
  for (const candidate of candidates()) {
    try {
      return require(candidate) as Addon;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // Node adds a stack of files in further lines.
      causes.push(`\n  ${candidate}: ${message.split('\n', 1)[0]}`);
    }
  }
  throw new SyncedMemoryError(
    'ERR_ADDON',
    `the native addon cannot be loaded on ${process.platform}-${process.arch}:${causes.join('')}
Install again with optional dependencies (npm install --include=optional), mark synced-memory as external in your bundler and ship node_modules, or use the wasm build, which needs no addon: import from 'synced-memory/edge' and pass a transport, such as nodeRedis(client) from 'synced-memory/transports/node-redis'`,
  );
}

function candidates(): string[] {
  const platform = `synced-memory-${process.platform}-${process.arch}`;
  // Of these two, the one for the other C library does not load.
  const packages = process.platform === 'linux' ? [`${platform}-gnu`, `${platform}-musl`] : [platform];
  return ['../../../synced-memory.node', ...packages];
}
