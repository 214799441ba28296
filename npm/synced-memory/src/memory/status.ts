import type { SyncedMemoryError } from '../base/errors.js';
import type { Capabilities, SideKeys } from '../engine/engine.js';
import type { KnownAttributes } from '../mirror/known-attributes.js';
import type { Mirror } from '../mirror/mirror.js';
import type { CoreConnection } from '../sync/core-connection.js';

/** The state of a memory at one moment. */
export interface Status {
  /** `connecting` until the server was reached for the first time, or turned out to be unreachable. */
  state: 'connecting' | 'connected' | 'disconnected' | 'closed';
  /** Kind of the backend: a server (over a connection or a transport), an embedded file, or this process. */
  backend: 'redis' | 'file' | 'memory';
  /** The abilities of the backend; undefined once the memory is closed. */
  capabilities?: Capabilities;
  /** Attributes whose values are those of the journal, because the server has not been reached yet. */
  stale: readonly string[];
  /** The keys that this memory leaves on the backend for a while; undefined once the memory is closed. */
  sideKeys?: SideKeys;
  /**
   * The attributes that were asked for, by `names`, `defaults` or `$load`, and whose state on the backend was not learned yet. One
   * with a default reads as its default until then.
   */
  unknown: readonly string[];
  /** The attributes whose stored bytes are not a document. Reading one throws the reason. */
  unreadable: readonly string[];
  /** Number of mutations that are not acknowledged. */
  pending: number;
  /** Their approximate size, in bytes. */
  pendingBytes: number;
  /** Why the server is unreachable, or its last refusal that can pass; undefined while there is neither. */
  lastError?: SyncedMemoryError;
}

/** Reads the status of a memory whose backend has this URL. */
export function readStatus(connection: CoreConnection, known: KnownAttributes, mirror: Mirror, url: string): Status {
  const { lastError } = connection.state;
  return {
    state: connection.state.connection,
    backend: backendOf(url),
    stale: connection.state.stale,
    unknown: known.unknown(),
    unreadable: mirror.unreadable(),
    pending: connection.pending,
    pendingBytes: connection.pendingBytes,
    ...(connection.isOpen && { capabilities: connection.capabilities, sideKeys: connection.sideKeys }),
    ...(lastError && { lastError }),
  };
}

/** The kind of backend that a URL names. */
export function backendOf(url: string): Status['backend'] {
  const scheme = url.slice(0, url.indexOf(':')).toLowerCase();
  return scheme === 'file' || scheme === 'memory' ? scheme : 'redis';
}
