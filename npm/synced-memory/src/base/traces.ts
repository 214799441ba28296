import type { SyncedMemoryError } from './errors.js';

/** The memory that an event of telemetry is about. */
export interface TraceSource {
  /** Kind of the backend. */
  readonly backend: 'redis' | 'file' | 'memory';
  /** Host of the server, or the path of its socket; the first one of several. Left out for a transport. */
  readonly address?: string;
  readonly port?: number;
  /** The number of the database. */
  readonly database?: number;
  /** The text that the keys of the memory begin with. */
  readonly prefix: string;
}

/** A failure that an event of telemetry ends with. */
export interface WithError {
  /** The error; its `code` is stable. */
  error?: unknown;
}

/** `synced-memory:open`: a memory is opened. */
export interface OpenTrace extends TraceSource, WithError {
  outcome?: 'opened' | 'failed';
  /** Number of attributes that are present, once it is open. */
  attributes?: number;
}

/** `synced-memory:commit`: mutations that one task of JavaScript made to one attribute, until the backend has answered. */
export interface CommitTrace extends TraceSource, WithError {
  readonly attribute: string;
  /** Number of mutations. Successive appends to one list are one. */
  readonly mutations: number;
  /** Length of the mutations as JSON text, in UTF-16 code units. */
  readonly bytes: number;
  /** True for a part of a `$batch` or `$transaction`. */
  readonly isGroup: boolean;
  /**
   * `dropped`: nothing of the mutations was left to commit, because of what other writers did. `unknown`: the memory was closed
   * before the answer.
   */
  outcome?: 'acknowledged' | 'rejected' | 'dropped' | 'unknown';
  /** How often the commit was sent, from 1. */
  attempts?: number;
  /** Length of the document after the commit, in bytes. */
  documentBytes?: number;
  /** The revision that the attribute has, in decimal digits. Left out if the commit deleted it. */
  revision?: string;
}

/** `synced-memory:merge`: changes of other writers are applied to an attribute that has pending mutations. */
export interface MergeTrace extends TraceSource {
  readonly attribute: string;
  /** Number of mutations by which the value here changes. */
  readonly mutations: number;
  /** Length of the merged document, in bytes. */
  readonly bytes: number;
  /** Number of pending mutations that were dropped, because their target is gone. */
  readonly conflicts: number;
  /** Number of pending removals that met what was gone already. */
  readonly moots: number;
}

/** `synced-memory:resync`: a document that was known has been read again, because messages did not tell how it changed. */
export interface ResyncTrace extends TraceSource {
  readonly attribute: string;
  /** Length of what was read, in bytes. */
  readonly bytes: number;
}

/** `synced-memory:reject`: the backend refuses mutations, or a transaction is not committed. */
export interface RejectTrace extends TraceSource {
  /** Left out for a transaction. */
  readonly attribute?: string;
  error: SyncedMemoryError;
}

/** `synced-memory:connection`: from the loss of a connection, or from the start, until the server is reached. */
export interface ConnectionTrace extends TraceSource, WithError {
  /** Number of failures until then. */
  attempts: number;
  outcome?: 'connected' | 'closed';
}
