import { MAX_TIMER_MS, systemClock } from '../../base/clock.js';
import { optionsError } from '../../base/errors.js';
import type {
  BackendOptions,
  Capabilities,
  CoreSession,
  Engine,
  RestoredState,
  SessionFactory,
  SessionOptions,
  SideKeys,
  TlsOptions,
} from '../engine.js';
import type { Addon } from './addon-types.js';
import { loadAddon } from './load-addon.js';
import { WakeListener } from './wake-listener.js';

/** The engine of this package's native addon, which is loaded with the first memory. */
export const engine: Engine = addonEngine(loadAddon);

/** The engine of a native addon: it has sockets and files of its own, and calls that block. */
export function addonEngine(load: () => Addon): Engine {
  let loaded: { addon: Addon; wakes: WakeListener } | undefined;
  const prepareSync = (backend: BackendOptions): SessionFactory => {
    checkBackend(backend);
    if (loaded === undefined) {
      const addon = load();
      loaded = { addon, wakes: new WakeListener(addon) };
    }
    return new AddonSessions(loaded.addon, loaded.wakes, backend);
  };
  return { prepare: async (backend) => prepareSync(backend), prepareSync };
}

function checkBackend({ transport, tls }: BackendOptions): void {
  if (tls !== undefined) checkTls(tls);
  if (transport === undefined) return;
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

/** The sessions of one memory and its scopes. */
class AddonSessions implements SessionFactory {
  readonly #addon: Addon;
  readonly #wakes: WakeListener;
  readonly #backend: BackendOptions;
  readonly #handles = new Set<number>();

  constructor(addon: Addon, wakes: WakeListener, backend: BackendOptions) {
    this.#addon = addon;
    this.#wakes = wakes;
    this.#backend = backend;
  }

  open(options: SessionOptions, wake: () => void): CoreSession {
    const { url, tls } = this.#backend;
    // Any open session: the new one can share its connection.
    const [beside] = this.#handles;
    const handle = this.#addon.open({ url, tls, ...options }, this.#wakes.listener, beside);
    this.#handles.add(handle);
    this.#wakes.add(handle, wake);
    return new AddonSession(this.#addon, handle, () => {
      this.#handles.delete(handle);
      this.#wakes.delete(handle);
    });
  }
}

/** A session of the addon, which knows it by an integer: a call by handle costs half of one on an object. */
class AddonSession implements CoreSession {
  readonly #addon: Addon;
  readonly #handle: number;
  readonly #closed: () => void;

  constructor(addon: Addon, handle: number, closed: () => void) {
    this.#addon = addon;
    this.#handle = handle;
    this.#closed = closed;
  }

  restored(): RestoredState {
    return this.#addon.restored(this.#handle);
  }

  hasUnwrittenJournal(): boolean {
    return this.#addon.hasUnwrittenJournal(this.#handle);
  }

  submit(batch: string): void {
    this.#addon.submit(this.#handle, batch);
  }

  check(mutation: string): void {
    this.#addon.check(this.#handle, mutation);
  }

  pendingBytes(): number {
    return this.#addon.pendingBytes(this.#handle);
  }

  refresh(names?: readonly string[]): number {
    return this.#addon.refresh(this.#handle, names);
  }

  replicate(wanted: number, waitMs: number): number {
    return this.#addon.replicate(this.#handle, wanted, waitMs);
  }

  expire(name: string, ms: number): number {
    return this.#addon.expire(this.#handle, name, ms);
  }

  persist(name: string): number {
    return this.#addon.persist(this.#handle, name);
  }

  ttl(name: string): number {
    return this.#addon.ttl(this.#handle, name);
  }

  writers(): number {
    return this.#addon.writers(this.#handle);
  }

  history(name: string, limit: number): number {
    return this.#addon.history(this.#handle, name, limit);
  }

  valueAt(name: string, revision: bigint): number {
    return this.#addon.valueAt(this.#handle, name, revision);
  }

  sideKeys(): SideKeys {
    return this.#addon.sideKeys(this.#handle);
  }

  release(): boolean {
    return this.#addon.release(this.#handle);
  }

  capabilities(): Capabilities {
    return this.#addon.capabilities(this.#handle);
  }

  drain(): string[] {
    return this.#addon.drain(this.#handle);
  }

  wait(isDone: () => boolean, timeoutMs: number): boolean {
    const deadline = systemClock.monotonic() + timeoutMs;
    while (!isDone()) {
      const left = Math.ceil(deadline - systemClock.monotonic());
      if (left <= 0) return false;
      this.#addon.wait(this.#handle, Math.min(left, MAX_TIMER_MS));
    }
    return true;
  }

  close(): void {
    this.#closed();
    this.#addon.close(this.#handle);
  }
}
