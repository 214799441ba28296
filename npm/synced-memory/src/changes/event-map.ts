import type { AnyState, NameOf } from '../base/any-state.js';
import type { SyncedMemoryError } from '../base/errors.js';
import type { Change } from './describe-change.js';

/** A mutation that was dropped because its target was deleted or replaced by another writer. */
export interface Conflict {
  /** The attribute. */
  name: string;
  /** Kind of the mutation: `append`, `set`, … */
  kind: string;
  /** Path of the container that the mutation was to change, from the attribute's document down. */
  path: (string | number)[];
  /** Why the mutation was dropped. */
  message: string;
}

/** A removal that met what was gone already. */
export interface Moot {
  /** The attribute. */
  name: string;
  /** Kind of the removal: `splice` for elements of a list, `unset` for a key, `clear` for all keys, `delete` for the attribute. */
  kind: string;
  /** Path of the container that the removal was made in, from the attribute's document down. */
  path: (string | number)[];
  /** Which part of what the removal was to remove is gone. */
  message: string;
}

/** The events of a memory, each with what its listeners receive. S is the shape of its attributes, N the names of some of them. */
export interface EventMap<S extends object = AnyState, N extends NameOf<S> = NameOf<S>> {
  /** A mutation of this or another process changed something. */
  change: Change<S, N>;
  /** The server is reachable, and everything that is loaded is up to date. */
  connect: undefined;
  /** The server is unreachable; the error says why. Mutations are queued. */
  disconnect: SyncedMemoryError;
  /** Something failed that no call could throw: a refused mutation, a stored value that cannot be read. Without a listener or `onError`, it is a process warning. */
  error: SyncedMemoryError;
  /**
   * Something weakens what the memory promises, or changes nothing in it. The first listener also gets what came before it.
   * - ERR_EVICTION: the server may evict documents, or the keys by which a commit is applied once; set its `maxmemory-policy` to
   *   `noeviction`.
   * - ERR_REFUSED: the server does not record the history of an attribute, which the option `history` asks for.
   * - ERR_CHANGED_AFTER_ASSIGN: an array or object was changed after it was assigned, as in `(mem.log ??= []).push(x)`. The memory
   *   holds a copy: change that one, by `mem.log ??= []; mem.log.push(x)`. Lengths and keys of the first eight that a task assigns
   *   are compared. To use a buffer again is right. It is printed once for each place where nobody listens.
   */
  warning: SyncedMemoryError;
  /** A commit was acknowledged. The revision is undefined if the commit deleted the attribute; JSON.stringify prints it as a string. */
  ack: { name: string; revision: bigint | undefined };
  /** A mutation was dropped because of what another writer did. */
  conflict: Conflict;
  /**
   * A removal (`shift`, `pop`, `remove`, `splice`, `delete` and their kind) met what another writer had removed already: this process
   * is not the one that removed it. Where only one process may get an element, use `$shift` or `$pop`.
   */
  moot: Moot;
  /**
   * The server lost acknowledged data of the attribute, by a fail-over or a restored backup: its revision went backwards, from
   * `previous` to `revision`, or the last commit of this memory is gone while others have gone on to a higher `revision`. 0n
   * stands for no document. The memory shows what the server has now. JSON.stringify prints the revisions as
   * strings of decimal digits.
   */
  regression: { name: string; previous: bigint; revision: bigint };
}
