import type { Change, EventMap, ListenerOptions, Status } from 'synced-memory';

/** The methods of a memory that the inspector uses. Every open memory has them. */
export interface InspectedMemory {
  $on<E extends keyof EventMap>(
    event: E,
    listener: (payload: EventMap[E]) => void,
    path?: undefined,
    options?: ListenerOptions,
  ): () => void;
  $snapshot(name: string): unknown;
  $ttl(name: string): Promise<number | undefined>;
  $flush(options?: { timeout?: number }): Promise<void>;
  $lastModified(name: string): bigint | undefined;
  readonly $status: Status;
  /** Lists the processes that have the memory open, if this version of synced-memory can. */
  $writers?(): Promise<readonly object[]>;
  /** Reads the recorded commits of an attribute, the newest first, if this version of synced-memory can. */
  $history?(name: string, query?: { last?: number }): Promise<{ readonly entries: readonly RecordedCommit[] }>;
  /** Reads an attribute as it was at a revision; comes with `$history`. */
  $at?(name: string, revision: bigint): Promise<unknown>;
  /** Makes an attribute what it was at a revision; comes with `$history`. */
  $restore?(name: string, revision: bigint): Promise<void>;
}

/** A commit in the history of an attribute. */
export interface RecordedCommit {
  readonly revision: bigint;
  readonly time: Date;
  readonly writer?: Change['writer'] | undefined;
  /** The mutations of the commit; undefined where they were too long to be recorded. */
  readonly mutations: readonly object[] | undefined;
  /** True where what came before is not recorded. */
  readonly isAfterGap: boolean;
}

/** The name under which the page shows the writer of a change or commit. */
export const writerName = ({ writer }: { readonly writer?: Change['writer'] | undefined }): string | undefined =>
  writer && (writer.label ?? writer.id);
