import type { AppliedEdit } from '../mirror/edit.js';
import { MutationBatch } from './mutation-batch.js';
import type { MutationResult, PendingRequest } from './pending-requests.js';

/** A mutation in an open batch whose result is awaited. */
export interface AwaitedMutation extends PendingRequest<MutationResult> {
  /** Number of the mutation within its batch, from 1. */
  number: number;
}

/** The mutations of a `$batch` that has not ended. */
export class OpenBatch {
  readonly mutations = new MutationBatch();
  /** Edits of the mirror, the last one at the end. */
  readonly undoLog: AppliedEdit[] = [];
  readonly awaited: AwaitedMutation[] = [];

  /** The result of the next mutation. It is known after the batch was committed. */
  expectResult(): Promise<MutationResult> {
    return new Promise((resolve, reject) => {
      this.awaited.push({ number: this.mutations.count + 1, resolve, reject });
    });
  }

  /** Adds everything that an inner batch has done. */
  join({ mutations, undoLog, awaited }: OpenBatch): void {
    for (const mutation of awaited) {
      mutation.number += this.mutations.count;
      this.awaited.push(mutation);
    }
    this.mutations.join(mutations);
    this.undoLog.push(...undoLog);
  }
}
