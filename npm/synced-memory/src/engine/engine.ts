import type { Transport } from './transport.js';

/** A build of the core: the native addon, or WebAssembly with a transport. */
export interface Engine {
  /** Makes the build ready and finds the backend. Rejects with ERR_OPTIONS, or ERR_ADDON where the addon cannot be loaded. */
  prepare(backend: BackendOptions): Promise<SessionFactory>;
  /** The same at once, for memories that block. Throws ERR_NOT_SUPPORTED where the build cannot block. */
  prepareSync(backend: BackendOptions): SessionFactory;
}

/** The backend that a factory's sessions use. */
export interface BackendOptions {
  /** `transport:` where a transport is given. */
  readonly url: string;
  readonly tls?: TlsOptions | undefined;
  readonly transport?: Transport | undefined;
}

/** Certificates and keys as PEM text. */
export interface TlsOptions {
  /**
   * The authorities that may have signed the server's certificate. Default: those in the file that SSL_CERT_FILE names, or
   * else the well-known ones.
   */
  ca?: string;
  /** This client's certificate, for a server that asks for one. Goes with `key`. */
  cert?: string;
  key?: string;
}

/** Opens sessions that share one connection, which ends with the last of them. */
export interface SessionFactory {
  /**
   * Opens a session. The engine calls `wake` when `drain` may have events; never within another call. Throws ERR_OPTIONS.
   */
  open(options: SessionOptions, wake: () => void): CoreSession;
}

/** The settings of one session. */
export interface SessionOptions {
  /** The start of the keys of all sessions that share the connection, such as `memory:`. */
  readonly base: string;
  /** The start of this session's keys: `base`, or `base` and a scope, such as `memory:room:`. */
  readonly prefix: string;
  /** The attributes to load. Default: all that exist. */
  readonly names?: readonly string[] | undefined;
  /** The maximum length of a document, in bytes of JSON text. */
  readonly maxDocumentBytes: number;
  /** The lifetime that each commit gives its attribute, in milliseconds. Default: the lifetime stays as it is. */
  readonly ttlMs?: number | undefined;
  /** The label of the session's writer. Default: none. */
  readonly label?: string | undefined;
  /** The name of this host, with which the writer is listed among those that have the memory open. Default: it is not listed. */
  readonly host?: string | undefined;
  /** The histories that the session records. Default: none. */
  readonly history?: RecordedHistory | undefined;
  /** The journal that the session keeps. Default: none. Throws ERR_NOT_SUPPORTED where the build has no files. */
  readonly journal?: SessionJournal | undefined;
}

/** The histories of attributes that a session records. */
export interface RecordedHistory {
  /** The most entries of one history. */
  readonly maxEntries: number;
  /** The attributes. Default: all. */
  readonly names?: readonly string[] | undefined;
}

/** A local file with the mutations that are not acknowledged and the last known documents. */
export interface SessionJournal {
  /** A `file:` URL. */
  readonly url: string;
  /** Whether every write waits until it is on the disk. */
  readonly fsync: boolean;
  /** About the most bytes that it may take. */
  readonly maxBytes: number;
}

/** The state that a session has restored from its journal. */
export interface RestoredState {
  /** Number of pending mutations. Those of the session itself are numbered from the next one. */
  readonly mutations: number;
  /** The attributes whose documents it has. Their `load` events come first. */
  readonly names: readonly string[];
}

/**
 * One memory's session in the core. Batches of mutations and events cross as JSON text.
 *
 * A method that throws ERR_INTERNAL has ended the session: the core has failed (a panic), and the session is closed. A session that
 * fails between calls wakes its memory, and `drain` throws. Every other error leaves the session as it was.
 */
export interface CoreSession {
  /** Gives the state that was restored from the journal of an earlier process. */
  restored(): RestoredState;
  /** Whether its journal lacks mutations, because it could not be written yet. */
  hasUnwrittenJournal(): boolean;
  /**
   * Applies a batch of local mutations in order: a JSON array as crates/core/src/codec reads it. Throws where a group cannot be
   * applied as a whole; a mutation outside a group is reported as `rejected` instead.
   */
  submit(batch: string): void;
  /** Throws where `submit` would reject this one mutation. */
  check(mutation: string): void;
  /** The approximate size of the unacknowledged mutations, in bytes. Takes time in proportion to their number. */
  pendingBytes(): number;
  /**
   * Reads the current state of these attributes from the backend, or of all and of new ones. Returns the ticket that `refreshed`
   * reports.
   */
  refresh(names?: readonly string[]): number;
  /**
   * Asks the server whether `wanted` replicas have every acknowledged mutation, for at most `waitMs`. Returns the number of the
   * `replicated` event to come.
   */
  replicate(wanted: number, waitMs: number): number;
  /** Gives an attribute a lifetime, after its earlier mutations. Returns the number of the `lifetime` event to come. */
  expire(name: string, ms: number): number;
  /** Removes the lifetime of an attribute. Returns the number of the `lifetime` event to come. */
  persist(name: string): number;
  /** Asks for the lifetime of an attribute. Returns the number of the `lifetime` event to come. */
  ttl(name: string): number;
  /** Asks who has the memory open. Returns the number of the `writers` event to come. */
  writers(): number;
  /**
   * Reads at most `limit` of the newest entries of an attribute's history, after its earlier mutations. Returns the number of the
   * `history` event to come.
   */
  history(name: string, limit: number): number;
  /** Finds the value that an attribute had at a revision. Returns the number of the `history` event to come. */
  valueAt(name: string, revision: bigint): number;
  /**
   * Lets the backend forget this writer in two minutes, because it sends nothing again. Called before `close`, when nothing is
   * pending; nothing is mutated afterwards. Returns true if the event `released` will follow.
   */
  release(): boolean;
  /** The side keys of this session. Takes time in proportion to the number of attributes. */
  sideKeys(): SideKeys;
  capabilities(): Capabilities;
  /**
   * Processes what has arrived and returns the events as JSON texts, none where nothing is left: see core-event.ts. Where much has
   * arrived it processes a part, in a few milliseconds. All events that it returns belong together.
   */
  drain(): string[];
  /**
   * Blocks the thread until `isDone` returns true; false after `timeoutMs` without that. Calls `isDone` first, and again whenever
   * `drain` may have events. Throws ERR_NOT_SUPPORTED where the build cannot block.
   */
  wait(isDone: () => boolean, timeoutMs: number): boolean;
  /** Closes the session, and the connection with its last session. Unacknowledged mutations are lost. Never throws. */
  close(): void;
}

/**
 * The keys that a memory leaves on its backend for a while: an idempotency key for each attribute that it has changed, so that no commit is
 * applied twice. In an embedded file they are rows of a table. docs/side-keys.md describes these and the other side keys.
 */
export interface SideKeys {
  /** A glob pattern that the names of these keys match, and those of no other memory: `sm:*:<writer id>`. */
  pattern: string;
  /** Their number. */
  count: number;
  /** Length of their names and values. A server adds about 50 bytes to each key. */
  bytes: number;
  /** Seconds for which a key is kept after this memory's last commit to its attribute. */
  seconds: number;
  /** Seconds for which the keys are kept after `$close`. */
  secondsAfterClose: number;
}

/** The abilities of a backend, found by trying, never by a server's name or version. */
export interface Capabilities {
  topology: 'single' | 'cluster' | 'sentinel' | 'file' | 'memory' | 'transport';
  /** The version of the RESP protocol in use; null without a connection, or where the backend is not a server. */
  resp: 2 | 3 | null;
  /** Do commits of other writers arrive as deltas, without reading the document? */
  deltas: boolean;
  /**
   * How changes arrive that no delta announces: the server reports all of them (`broadcast`), or those of keys that were read
   * (`tracking`); the session polls every second (`probing`), or reads only on `$sync()` (`none`).
   */
  changes: 'broadcast' | 'tracking' | 'probing' | 'none';
}
