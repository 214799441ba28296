import { systemClock } from '../../base/clock.js';
import { optionsError } from '../../base/errors.js';
import type { BackendOptions, Engine, SessionFactory } from '../engine.js';
import type { Transport } from '../transport.js';
import { currentInstance, loadCoreModule } from './core-module.js';
import { blockingError, journalError } from './not-supported.js';
import { SessionDriver } from './session-driver.js';

/** The runtime that an engine lives in. */
export interface EngineHost {
  /** Compiles the wasm module, or takes it from the bundle. Called at most once. */
  loadModule(): Promise<WebAssembly.Module>;
  /** The transport of memories that are opened without one. Throws ERR_OPTIONS where there is none for the URL. */
  transport(backend: BackendOptions): Transport | Promise<Transport>;
}

/** The engine of the wasm build, which cannot block. */
export function wasmEngine(host: EngineHost): Engine {
  return {
    async prepare(backend) {
      if (backend.tls !== undefined) {
        throw optionsError('tls is for the native addon; here the transport has certificates of its own');
      }
      await loadCoreModule(host.loadModule);
      return sessionsOver(backend.transport ?? (await host.transport(backend)));
    },
    prepareSync() {
      throw blockingError('openSync');
    },
  };
}

/** The sessions of a memory and its scopes, which share a transport. The last one closes it. */
function sessionsOver(transport: Transport): SessionFactory {
  const clock = transport.clock ?? systemClock;
  const open = new Set<SessionDriver>();
  return {
    open(options, wake) {
      if (options.journal !== undefined) throw journalError();
      const closed = (): void => {
        open.delete(driver);
        // No memory is left to report a failure to.
        if (open.size === 0) Promise.resolve(transport.close?.()).catch(() => {});
      };
      const driver: SessionDriver = new SessionDriver(currentInstance(), transport, clock, options, { wake, closed });
      open.add(driver);
      return driver;
    },
  };
}
