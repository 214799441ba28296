import type { ListedWriterEvent } from '../sync/core-event.js';

/** A process that has a memory open with the option `writer`. Label and host come from that process: do not trust them. */
export interface ListedWriter {
  /** The option `writer` of its memory. */
  readonly label: string | undefined;
  /** The random id that its changes carry. */
  readonly id: string;
  /** Name of its host, or of its runtime; empty where that is unknown. */
  readonly host: string;
  /** About when it opened the memory, by the clock of this process. */
  readonly since: Date;
  /** About when it gave its last sign of life, by the clock of this process. Every 30 seconds it gives one. */
  readonly lastSeen: Date;
}

/** The writers that the core has listed at the time `now`, in milliseconds since 1970. The one that was seen last comes first. */
export function listWriters(writers: readonly ListedWriterEvent[], now: number): ListedWriter[] {
  return writers.map(([id, label, host, openMs, ageMs]) => ({
    label: label ?? undefined,
    id,
    host,
    since: new Date(now - ageMs - openMs),
    lastSeen: new Date(now - ageMs),
  }));
}
