/**
 * Takes the mutations that the mirror makes. A mutation goes: `admit` (may refuse it), change of the mirror, `record`.
 * `admit` must not change the mirror; `record` may (in blocking mode it takes in what others wrote).
 */
export interface Recorder {
  /**
   * Throws (closed, too large) where a mutation of about `units` UTF-16 units cannot be taken. `text` makes its wire
   * text, for the exact check near the limit.
   */
  admit(name: string, units: number, text: () => string): void;
  /** The mirror has changed by this mutation (wire text). In blocking mode returns when it is acknowledged. */
  record(name: string, text: string): void;
  /**
   * Like `record` for an append to `list`; successive appends to one list coalesce. `head` makes the mutation's text up to
   * its values, valid at the time of the call; `values` is the JSON text of the values, joined by commas.
   */
  recordAppend(name: string, list: object, head: () => string, values: string): void;
}
