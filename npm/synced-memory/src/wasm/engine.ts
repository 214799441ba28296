import type { Binding, Engine } from '../binding.js';
import { systemClock } from '../clock.js';
import { optionsError, SyncedMemoryError } from '../errors.js';
import type { Settings } from '../options.js';
import type { Transport } from '../transport.js';
import * as asks from './asks.js';
import { call, type Value } from './core.js';
import { Driver } from './driver.js';

/** How a build starts its core, and finds a transport for memories that were opened without one. */
export interface Means {
  /** Resolves when the core runs. */
  start(): Promise<void>;
  /** Throws ERR_OPTIONS where it has none for this URL. */
  transport(settings: Settings): Transport | Promise<Transport>;
}

/** The wasm build: everything but what blocks. */
export function wasmEngine({ start, transport }: Means): Engine {
  return {
    bind: async (settings) => {
      if (settings.tls !== undefined) throw noTls();
      await start();
      return wasmBinding(settings.transport ?? (await transport(settings)));
    },
    bindSync: () => {
      throw blocking('openSync');
    },
  };
}

function noTls(): SyncedMemoryError {
  return optionsError('tls is for the native addon; here the transport has certificates of its own');
}

function blocking(name: string): SyncedMemoryError {
  return new SyncedMemoryError(
    'ERR_NOT_SUPPORTED',
    `${name} blocks, which the wasm build cannot do; use Memory.open and await $flush(), or the native addon`,
  );
}

/** The core over one transport, which a memory and its scopes share: it ends with the last of them. */
function wasmBinding(transport: Transport): Binding {
  const clock = transport.clock ?? systemClock;
  const drivers = new Map<number, Driver>();
  /** Asks for something that may have to be sent. */
  const ask = (handle: number, what: number, ...values: Value[]): number => {
    try {
      return call(clock, handle, what, ...values);
    } finally {
      drivers.get(handle)?.advance();
    }
  };
  return {
    open(options, wake) {
      const driver = new Driver(transport, clock, JSON.parse(options), wake);
      drivers.set(driver.handle, driver);
      return driver.handle;
    },
    submit: (handle, batch) => void ask(handle, asks.SUBMIT, batch),
    check: (handle, mutation) => void call(clock, handle, asks.CHECK, mutation),
    pendingBytes: (handle) => call(clock, handle, asks.PENDING_BYTES),
    refresh: (handle, names) => ask(handle, asks.REFRESH, names === '' ? null : JSON.parse(names)),
    replicate: (handle, wanted, waitMs) => ask(handle, asks.REPLICATE, wanted, waitMs),
    expire: (handle, name, ms) => ask(handle, asks.EXPIRE, name, ms),
    persist: (handle, name) => ask(handle, asks.PERSIST, name),
    ttl: (handle, name) => ask(handle, asks.TTL, name),
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
