import type { Binding, Engine } from '../binding.js';
import { randomId, systemClock } from '../clock.js';
import { SyncedMemoryError } from '../errors.js';
import type { Settings } from '../options.js';
import type { Transport } from '../transport.js';
import type { Core } from './core.js';
import { Driver } from './driver.js';

/** How a build finds its core, and a transport for memories that were opened without one. */
export interface Means {
  core(): Core | Promise<Core>;
  /** Throws ERR_OPTIONS where it has none for this URL. */
  transport(settings: Settings): Transport | Promise<Transport>;
}

/** The wasm build: everything but what blocks. */
export function wasmEngine({ core, transport }: Means): Engine {
  return {
    bind: async (settings) => {
      if (settings.tls !== undefined) throw noTls();
      return wasmBinding(await core(), settings.transport ?? (await transport(settings)));
    },
    bindSync: () => {
      throw blocking('openSync');
    },
  };
}

function noTls(): SyncedMemoryError {
  return new SyncedMemoryError(
    'ERR_OPTIONS',
    'tls is for the native addon; here the transport has certificates of its own',
  );
}

function blocking(name: string): SyncedMemoryError {
  return new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${name} blocks, which the wasm build cannot do; use Memory.open and await $flush(), or the native addon`,
  );
}

/** The core's functions over one transport, which a memory and its scopes share: it ends with the last of them. */
function wasmBinding(core: Core, transport: Transport): Binding {
  const clock = transport.clock ?? systemClock;
  const drivers = new Map<number, Driver>();
  const advance = (handle: number): void => drivers.get(handle)?.advance();
  const asking = (handle: number, ask: () => number): number => {
    const number = ask();
    advance(handle);
    return number;
  };
  return {
    open(options, wake) {
      const { prefix, names, maxDocumentBytes, ttlMs } = JSON.parse(options);
      const handle = core.open(prefix, names, maxDocumentBytes, ttlMs, transport.lookEvery, randomId(), clock.random());
      drivers.set(handle, new Driver(core, handle, core.channel(prefix), transport, clock, wake));
      return handle;
    },
    submit(handle, batch) {
      try {
        return core.submit(handle, batch, clock.unix(), clock.monotonic());
      } finally {
        advance(handle);
      }
    },
    check: (handle, mutation) => core.check(handle, mutation),
    pendingBytes: (handle) => core.pendingBytes(handle),
    refresh: (handle, names) =>
      asking(handle, () => core.refresh(handle, names === '' ? undefined : JSON.parse(names))),
    replicate: (handle, wanted, waitMs) => asking(handle, () => core.replicate(handle, wanted, waitMs)),
    expire: (handle, name, ms) => asking(handle, () => core.expire(handle, name, ms)),
    persist: (handle, name) => asking(handle, () => core.persist(handle, name)),
    ttl: (handle, name) => asking(handle, () => core.ttl(handle, name)),
    capabilities: (handle) =>
      JSON.stringify({
        topology: 'transport',
        resp: null,
        deltas: drivers.get(handle)?.listens === true,
        changes: transport.tellsOfAll ? 'broadcast' : transport.lookEvery ? 'probing' : 'none',
      }),
    drain: (handle) => drivers.get(handle)?.drain() ?? '',
    wait() {
      throw blocking('$flushSync');
    },
    close(handle) {
      drivers.get(handle)?.close();
      if (!drivers.delete(handle) || drivers.size > 0) return;
      // Nobody is left to tell.
      Promise.resolve(transport.close?.()).catch(() => {});
    },
  };
}
