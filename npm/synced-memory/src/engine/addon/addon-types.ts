// Generated from crates/node by scripts/addon-types.mjs; not to be edited.

/** The abilities of a backend; engine/engine.ts describes them. */
export interface Capabilities {
  topology: Topology;
  resp: 2 | 3 | null;
  deltas: boolean;
  changes: ChangeSource;
}

/** The kind of a backend. */
export type Topology = 'single' | 'cluster' | 'sentinel' | 'file' | 'memory';

/** How changes arrive that no delta announces. */
export type ChangeSource = 'broadcast' | 'tracking' | 'probing';

/** The options of a session; engine/engine.ts describes them. */
export interface OpenOptions {
  url: string;
  base: string;
  prefix: string;
  names?: readonly string[] | undefined;
  maxDocumentBytes: number;
  ttlMs?: number | undefined;
  label?: string | undefined;
  host?: string | undefined;
  history?: RecordedHistory | undefined;
  tls?: Tls | undefined;
  journal?: Journal | undefined;
}

/** The histories that a session records; engine/engine.ts describes them. */
export interface RecordedHistory {
  maxEntries: number;
  names?: readonly string[] | undefined;
}

/** The journal of a session; engine/engine.ts describes it. */
export interface Journal {
  url: string;
  fsync: boolean;
  maxBytes: number;
}

/** The state that a session has restored from its journal; engine/engine.ts describes it. */
export interface RestoredState {
  mutations: number;
  names: Array<string>;
}

/** Certificates and keys as PEM text. */
export interface Tls {
  ca?: string;
  cert?: string;
  key?: string;
}

/** The side keys of one memory; engine/engine.ts describes them. */
export interface SideKeys {
  pattern: string;
  count: number;
  bytes: number;
  seconds: number;
  secondsAfterClose: number;
}

/** The functions of the addon. */
export interface Addon {
  /**
   * Registers a function that is called with the handles of sessions that may have events, and returns the number that `open`
   * takes. It is never called within another call.
   */
  listen(wake: (handles: readonly number[]) => void): number;
  /**
   * Opens a session and returns its handle. `listener` is a number that `listen` returned; `beside` is the handle of an open
   * session of the same URL, whose connection the new one shares.
   */
  open(options: OpenOptions, listener: number, beside?: number | undefined | null): number;
  /** See `CoreSession.submit`. */
  submit(handle: number, batch: string): void;
  /** See `CoreSession.check`. */
  check(handle: number, mutation: string): void;
  /** See `CoreSession.pendingBytes`. */
  pendingBytes(handle: number): number;
  /** See `CoreSession.refresh`. */
  refresh(handle: number, names?: readonly string[]): number;
  /** See `CoreSession.replicate`. */
  replicate(handle: number, wanted: number, waitMs: number): number;
  /** See `CoreSession.expire`. */
  expire(handle: number, name: string, ms: number): number;
  /** See `CoreSession.persist`. */
  persist(handle: number, name: string): number;
  /** See `CoreSession.ttl`. */
  ttl(handle: number, name: string): number;
  /** See `CoreSession.writers`. */
  writers(handle: number): number;
  /** See `CoreSession.history`. */
  history(handle: number, name: string, limit: number): number;
  /** See `CoreSession.valueAt`. */
  valueAt(handle: number, name: string, revision: bigint): number;
  /** See `CoreSession.sideKeys`. */
  sideKeys(handle: number): SideKeys;
  /** See `CoreSession.release`. */
  release(handle: number): boolean;
  /** See `CoreSession.restored`. */
  restored(handle: number): RestoredState;
  /** See `CoreSession.hasUnwrittenJournal`. */
  hasUnwrittenJournal(handle: number): boolean;
  /** See `CoreSession.capabilities`. */
  capabilities(handle: number): Capabilities;
  /** See `CoreSession.drain`. */
  drain(handle: number): Array<string>;
  /** Blocks the thread until `drain` may have events; false after `timeout_ms` without any. */
  wait(handle: number, timeoutMs: number): boolean;
  /** See `CoreSession.close`. Closing a closed session does nothing. */
  close(handle: number): void;
}
