import type { SyncedMemoryError } from './errors.js';

/** What was found by trying, never by a server's name or version. */
export interface Capabilities {
  topology: 'single' | 'cluster' | 'sentinel' | 'file' | 'memory' | 'transport';
  /** The version of the protocol that is spoken; null without a connection, or where there is none. */
  resp: 2 | 3 | null;
  /** Are commits of others heard as they are made, without reading the document? */
  deltas: boolean;
  /**
   * How changes come here that nobody publishes: the server tells of all (`broadcast`), or of what was read (`tracking`),
   * or they are looked for every second (`probing`), or only by `$sync()` (`none`).
   */
  changes: 'broadcast' | 'tracking' | 'probing' | 'none';
}

/** How a memory is doing. */
export interface Status {
  state: 'connecting' | 'connected' | 'disconnected' | 'closed';
  backend: 'redis' | 'file' | 'memory';
  /** What the backend can do; undefined once the memory is closed. */
  capabilities?: Capabilities;
  /** Mutations that are not acknowledged. */
  pending: number;
  /** About how many bytes they take. */
  pendingBytes: number;
  /** Why it is not connected, or what the server last answered that will pass. */
  lastError?: SyncedMemoryError;
}
