import { quoteString } from '../base/print-json.js';
import type { MutationBatch } from './mutation-batch.js';

/** Mutations that the core applies together or not at all. */
export interface MutationGroup {
  readonly mutations: MutationBatch;
  /** True for a transaction, which is committed only if nothing that it relies on has changed. */
  readonly isTransaction: boolean;
  /** True for a transaction that relies on the set of all names, too. */
  readonly reliesOnNames: boolean;
  /** Attributes that a transaction has read and not changed. */
  readonly reads: readonly string[];
}

/** A batch for the core that consists of one group with this id. Empties the group's mutations. */
export function encodeGroup(id: number, group: MutationGroup): string {
  const { mutations, isTransaction, reliesOnNames, reads } = group;
  return `[["group",${id},${isTransaction},${reliesOnNames},[${reads.map(quoteString).join()}],${mutations.take()}]]`;
}
