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
}

/** A change, which names its writer if this version of synced-memory knows it. */
export type InspectedChange = Change & {
  readonly writer?: { readonly id: string; readonly label?: string | undefined } | undefined;
};

/** The name under which the page shows the writer of a change. */
export const writerName = ({ writer }: InspectedChange): string | undefined => writer && (writer.label ?? writer.id);
