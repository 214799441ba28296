import type { SyncedMemoryError } from '../base/errors.js';
import { PendingAttributes } from './pending-attributes.js';

/** State of a memory's connection, mutations and attributes, as the core last reported it. */
export class CoreState {
  connection: 'connecting' | 'connected' | 'disconnected' | 'closed' = 'connecting';
  /** Why the server is unreachable, or the last refusal after which the core tries again. */
  lastError: SyncedMemoryError | undefined;
  /** Why waiting for the attributes does not help: the server refuses what only a person can correct. */
  refusal: SyncedMemoryError | undefined;
  /** True once the server has answered the release of this writer, or will not answer it. */
  isReleased = false;
  /** All mutations up to this number are settled: acknowledged, rejected or dropped. */
  settled = 0;
  /** The attributes of the mutations that are not settled. */
  readonly pendingAttributes = new PendingAttributes();
  /** Tickets of refreshes that are under way. A later one can be done before an earlier one. */
  readonly refreshing = new Set<number>();
  /** Number of times that the revision of a document went backwards. */
  regressions = 0;
  /** The attributes whose values are those of a journal, and were not compared with the server yet. */
  stale: readonly string[] = [];
  /** Confirmed revisions by attribute, in decimal digits: only a caller that asks for one pays for a BigInt. */
  readonly revisions = new Map<string, string>();
}

/** A revision as a BigInt; undefined without one. */
export function toBigInt(revision: string | null | undefined): bigint | undefined {
  return revision == null ? undefined : BigInt(revision);
}
