import nodeModule from 'node:module';
import type { Binding, Engine } from './binding.js';
import { LONGEST_TIMER } from './clock.js';
import { optionsError, SyncedMemoryError } from './errors.js';
import type { Settings, TlsOptions } from './options.js';

/** The native addon: sockets and files of its own, and calls that block. */
export const engine: Engine = { bind: async (settings) => addonFor(settings), bindSync: addonFor };

function addonFor({ transport, tls }: Settings): Binding {
  if (tls !== undefined) checkTls(tls);
  if (transport === undefined) return addon();
  throw optionsError(
    "the native addon has connections of its own: pass { url }, or import from 'synced-memory/edge' to use a transport",
  );
}

function checkTls(tls: TlsOptions): void {
  if (typeof tls !== 'object' || tls === null) throw optionsError('tls must be an object of ca, cert and key');
  for (const [name, pem] of Object.entries(tls)) {
    if (!['ca', 'cert', 'key'].includes(name)) throw optionsError(`tls has no ${name}; it has ca, cert and key`);
    if (typeof pem !== 'string' || !pem.includes('-----BEGIN ')) throw optionsError(`tls.${name} must be PEM text`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw optionsError('tls.cert and tls.key go together');
}

/** What the addon has: one call wakes all memories that have something. */
interface Addon extends Omit<Binding, 'open' | 'wait'> {
  /** From now on `wake` is called with the handles of memories of which `drain` may have something: those opened with the number that this gives. */
  listen(wake: (handles: number[]) => void): number;
  open(options: string, listener: number): number;
  /** Blocks until `drain` may have something; false where the time ran out first. */
  wait(handle: number, timeoutMs: number): boolean;
}

let loaded: Binding | undefined;

/** The native addon, loaded on first use. Throws ERR_ADDON with every cause. */
function addon(): Binding {
  loaded ??= listening(load());
  return loaded;
}

function listening(addon: Addon): Binding {
  const wakes = new Map<number, () => void>();
  // The addon is one for all copies of this module in a thread.
  const listener = addon.listen((handles) => {
    for (const handle of handles) {
      try {
        wakes.get(handle)?.();
      } catch (error) {
        // The others are woken all the same.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  });
  return {
    ...addon,
    open(options, wake) {
      const handle = addon.open(options, listener);
      wakes.set(handle, wake);
      return handle;
    },
    wait(handle, isDone, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while (!isDone()) {
        const left = Math.ceil(deadline - performance.now());
        if (left <= 0) return false;
        addon.wait(handle, Math.min(left, LONGEST_TIMER));
      }
      return true;
    },
    close(handle) {
      wakes.delete(handle);
      addon.close(handle);
    },
  };
}

/** What was built here, then what npm has installed for this platform. */
function candidates(): string[] {
  const platform = `synced-memory-${process.platform}-${process.arch}`;
  // The wrong one of these two does not load.
  const packages = process.platform === 'linux' ? [`${platform}-gnu`, `${platform}-musl`] : [platform];
  return ['../synced-memory.node', ...packages];
}

function load(): Addon {
  // A bundle in CommonJS has no URL of its own.
  const here = import.meta.url ?? `${process.cwd()}/`;
  // Called so that bundlers do not follow: they can neither know which file it will be nor take it in.
  const require: NodeJS.Require = Reflect.apply(nodeModule.createRequire, undefined, [here]);
  const causes: string[] = [];
  for (const candidate of candidates()) {
    try {
      return require(candidate) as Addon;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // Node goes on with a stack of files.
      causes.push(`\n  ${candidate}: ${message.split('\n', 1)[0]}`);
    }
  }
  throw new SyncedMemoryError(
    'ERR_ADDON',
    `the native addon cannot be loaded on ${process.platform}-${process.arch}:${causes.join('')}
Install again with optional dependencies (npm install --include=optional), or use the wasm build, which needs no addon: import from 'synced-memory/edge' and pass a transport, such as nodeRedis(client) from 'synced-memory/transports/node-redis'`,
  );
}
