/**
 * Receives the local mutations of a mirror. For each the mirror calls `admit`, changes itself, and calls `record`. `admit` must
 * not change the mirror. `record` may: in blocking mode it applies what other writers committed.
 */
export interface Recorder {
  /**
   * Throws if a mutation of about `units` UTF-16 code units cannot be accepted (ERR_CLOSED, ERR_TOO_LARGE, ERR_QUEUE_FULL).
   * `text` returns the mutation's text, for an exact check near a limit.
   */
  admit(name: string, units: number, text: () => string): void;
  /**
   * Records a mutation of which the mirror has the effect. `head` and `rest` are its text without the closing bracket. In blocking
   * mode, returns when it is acknowledged.
   */
  record(name: string, head: string, rest: string): void;
  /**
   * Records an append to the raw list `list`. Successive appends to one list become one mutation. `head` returns the text of the
   * mutation up to its values, and is valid during the call only. `values` is the JSON text of the values, joined by commas.
   */
  recordAppend(name: string, list: object, head: () => string, values: string): void;
  /** Records an insertion at the start of the raw list `list`; `head` and `values` are as for an append. */
  recordPrepend(name: string, list: object, head: () => string, values: string): void;
}
