import type { SyncedMemoryError } from '../base/errors.js';

/**
 * An event of the core; crates/core/src/boundary/events.rs writes them. `name` is an attribute, `revision` its confirmed revision in
 * decimal digits (null if it is absent), `bytes` the length of its document. `code` and `message` are of an error. `id` and `label`
 * are of the writer whose commit made the change, if that is known.
 */
export type CoreEvent =
  /** The attribute has this value now. */
  | ['load', name: string, revision: string | null, bytes: number, value: unknown, id?: string, label?: string]
  /** Another writer has made these mutations, or the core has transformed our own. */
  | ['patch', name: string, revision: string | null, bytes: number, mutations: unknown[][], id?: string, label?: string]
  /** The attribute is absent now. */
  | ['gone', name: string, id?: string, label?: string]
  /** The stored bytes are not a document. */
  | ['unreadable', name: string, code: string, message: string]
  /** A commit of this session, which ends with mutation `last` of the attribute, was acknowledged after so many attempts. */
  | ['ack', name: string, revision: string | null, bytes: number, last: number, attempts: number]
  /** All mutations up to this number are settled. */
  | ['settled', number: number]
  /** The mutation with this number was rejected. */
  | ['rejected', name: string, code: string, message: string, number: number]
  /** A mutation of this kind, of the container at this path, was dropped. */
  | ['conflict', name: string, kind: string, path: (string | number)[], message: string]
  /** A removal of this kind met what was gone already. */
  | ['moot', name: string, kind: string, path: (string | number)[], message: string]
  /** The document, which was known, was read again; `bytes` is the length of what was read. */
  | ['resync', name: string, bytes: number]
  /** The revision went backwards. */
  | ['regression', name: string, from: string, to: string]
  /** The server is reachable, and every loaded attribute is up to date. */
  | ['connect']
  /** The server is unreachable. */
  | ['disconnect', code: string, message: string]
  /** The attributes that the memory was opened for are loaded. */
  | ['ready']
  /** The server has answered the release of the writer, or will not answer it. */
  | ['released']
  /** The refresh with this ticket is done. */
  | ['refreshed', ticket: number]
  /** Result of the mutation with this number, empty if there was no element to take; null with an error, or if it is unknown. */
  | ['result', number: number, result: unknown[] | null, code?: string, message?: string]
  /** Result of a request: the milliseconds left; true if the attribute does not expire, false if it is absent. */
  | ['lifetime', request: number, left: number | boolean, code?: string, message?: string]
  /** Result of a request: the entries of a history, or an array of an earlier value; null with an error. */
  | ['history', request: number, result: unknown[] | null, code?: string, message?: string]
  /** Result of a request: the number of replicas that have every acknowledged mutation. */
  | ['replicated', request: number, count: number, code?: string, message?: string]
  /** Result of a request: the writers that have the memory open; null with an error. Times are in milliseconds. */
  | ['writers', request: number, writers: ListedWriterEvent[] | null, code?: string, message?: string]
  /** The transaction with this group id was committed. */
  | ['committed', group: number]
  /** The transaction with this group id was not committed. */
  | ['aborted', group: number, code: string, message: string]
  /** The server is set up in a way that weakens what is promised. */
  | ['warning', code: string, message: string]
  /** An error that no call has thrown. */
  | ['error', name: null, code: string, message: string];

/** A writer that has the memory open: for `openMs` until `ageMs` ago, when it gave a sign of life. */
export type ListedWriterEvent = [id: string, label: string | null, host: string, openMs: number, ageMs: number];

/** Applies the events of a connection to the core. */
export interface EventReceiver {
  /** False while a batch is open: the core does not know yet what the batch has changed. */
  readonly canApply: boolean;
  /** Applies events that arrived together, and calls the listeners. */
  apply(events: readonly CoreEvent[]): void;
  /** Reports an error that no call has thrown, by an `error` event. */
  report(error: SyncedMemoryError): void;
  /** Calls the listeners of what happened since the last call. */
  notify(): void;
}
