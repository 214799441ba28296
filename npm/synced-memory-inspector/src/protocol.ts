// The messages between the page and the handler. The page sends POST requests with one of these as JSON; `events` answers with a
// stream of JSON lines, every other request with one JSON value.

/** The keys and indexes that lead from the memory to a value; the first is the attribute's name. */
export type ValuePath = readonly (string | number)[];

/** The rows of the tree that the page shows. */
export interface RowsRequest {
  readonly op: 'rows';
  /** Only attributes whose names contain this text, in any case. */
  readonly filter: string;
  /** The lists and dicts that are open. */
  readonly open: readonly ValuePath[];
  /** Number of the first row. */
  readonly from: number;
  readonly count: number;
  /** A value whose row number is asked for. */
  readonly seek?: ValuePath;
}

export type ValueType = 'list' | 'dict' | 'string' | 'number' | 'boolean' | 'null' | 'unreadable';

/** One value in the tree. */
export interface Row {
  readonly path: ValuePath;
  readonly type: ValueType;
  /** The beginning of the value's text; for an unreadable attribute, the reason. */
  readonly preview: string;
  /** Number of elements or keys of a list or dict. */
  readonly count?: number;
  /** Another number when anything inside a list or dict has changed; undefined for parts of large attributes. */
  readonly version?: number;
  /** Only for attributes. */
  readonly attribute?: AttributeDetails;
  /** True where the key is too long to be sent: the value cannot be opened or edited. */
  readonly isKeyCut?: true;
}

export interface AttributeDetails {
  /** About the length of the JSON text; undefined while it is being measured. */
  readonly size?: number;
  /** True where the size is an estimate, because the attribute is large. */
  readonly isEstimate?: true;
  /** The revision as decimal digits; undefined until the attribute is stored. */
  readonly revision?: string;
  /** The time at which it expires, in milliseconds since 1970; null if it does not. Undefined while unknown. */
  readonly expiresAt?: number | null;
  /** The last writer that was seen. */
  readonly writer?: string;
}

export interface RowsReply {
  /** Number of all rows. */
  readonly total: number;
  /** Number of all attributes, and of those that the filter selects. */
  readonly names: number;
  readonly selected: number;
  readonly from: number;
  readonly rows: readonly Row[];
  /** Number of the row of the value that was asked for; undefined where it is not among the rows. */
  readonly sought?: number;
  /** Why not all attributes are known, if so. */
  readonly incomplete?: string;
}

/** A part of a value's text. */
export interface TextRequest {
  readonly op: 'text';
  readonly path: ValuePath;
}

export interface TextReply {
  /** JSON text over several lines, cut after {@link MAX_TEXT} characters. */
  readonly text: string;
  readonly isWhole: boolean;
}

/** The longest text of one value that the page gets, in UTF-16 code units. */
export const MAX_TEXT = 200_000;

/** Values anywhere in the memory whose key or text contains a text. */
export interface SearchRequest {
  readonly op: 'search';
  readonly text: string;
}

export interface SearchReply {
  readonly found: readonly { readonly path: ValuePath; readonly preview: string }[];
  /** False where there may be more. */
  readonly isComplete: boolean;
}

/** Recorded changes, the newest first. */
export interface ChangesRequest {
  readonly op: 'changes';
  /** Only changes whose path or writer contains this text. */
  readonly filter: string;
  /** Only changes with a smaller number; undefined for the newest. */
  readonly before?: number;
  readonly count: number;
}

export interface ChangeEntry {
  /** Counts all changes since the recording began. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly path: ValuePath;
  readonly kind: 'set' | 'delete' | 'splice' | 'reload';
  /** Texts of the old and the new value around their first difference; undefined for none. */
  readonly before?: string;
  readonly after?: string;
  readonly origin: 'local' | 'remote';
  readonly revision?: string;
  readonly writer?: string;
}

export interface ChangesReply {
  readonly changes: readonly ChangeEntry[];
  /** Number of the oldest change that is still recorded. */
  readonly oldest: number;
}

/** Changes a value. The handler refuses it without the option `write`. */
export interface EditRequest {
  readonly op: 'edit';
  readonly path: ValuePath;
  /** `set` adds or replaces the value, `append` adds an element to the list at the path, `delete` removes the value. */
  readonly action: 'set' | 'append' | 'delete';
  /** The new value's JSON text; undefined for `delete`. */
  readonly json?: string;
  /** The value's text as the page showed it: the edit is refused where it has changed. Undefined for no check. */
  readonly expected?: string;
}

export interface EditReply {
  /** Names the edit for `undo`; undefined where it cannot be undone. */
  readonly edit?: string;
}

/** Takes back an edit, where nobody has changed its value since. */
export interface UndoRequest {
  readonly op: 'undo';
  readonly edit: string;
}

/** The processes that have the memory open. */
export interface WritersRequest {
  readonly op: 'writers';
}

/** The recorded commits of an attribute. */
export interface HistoryRequest {
  readonly op: 'history';
  readonly name: string;
}

export interface HistoryReply {
  /** The newest commits, the oldest of them first. */
  readonly commits: readonly {
    /** Decimal digits; `0` for a commit that deleted the attribute. */
    readonly revision: string;
    readonly time: number;
    readonly writer?: string;
    /** The beginning of the text of what it changed. */
    readonly mutations?: string;
    readonly isAfterGap: boolean;
  }[];
}

/** An attribute as it was at a revision. The text is empty where it was absent. */
export interface AtRequest {
  readonly op: 'at';
  readonly name: string;
  readonly revision: string;
}

/** Makes an attribute what it was at a revision. */
export interface RestoreRequest {
  readonly op: 'restore';
  readonly name: string;
  readonly revision: string;
}

export interface EventsRequest {
  readonly op: 'events';
}

export type PageRequest =
  | RowsRequest
  | TextRequest
  | SearchRequest
  | ChangesRequest
  | EditRequest
  | UndoRequest
  | WritersRequest
  | HistoryRequest
  | AtRequest
  | RestoreRequest
  | EventsRequest;

/** Why a request was not done. */
export interface ErrorReply {
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** Position of a mistake in a JSON text. */
    readonly offset?: number;
    /** The value's text as it is now, where it differs from `expected`. */
    readonly current?: string;
  };
}

/** Something that a person should look at. */
export interface Incident {
  readonly number: number;
  readonly time: number;
  readonly kind: 'conflict' | 'moot' | 'error' | 'warning' | 'regression' | 'disconnect' | 'connect';
  readonly name?: string;
  readonly message: string;
  /** For a conflict or a moot removal, what the other writer has left there: `tasks[0] is "done"`. */
  readonly there?: string;
  /** How often it happened without anything else in between. */
  readonly times: number;
}

/** The commits and changes of one second. */
export interface RatePoint {
  /** Seconds since 1970. */
  readonly second: number;
  /** Acknowledged commits of this process. */
  readonly commits: number;
  readonly local: number;
  readonly remote: number;
  readonly conflicts: number;
  /** About the length of the JSON text of the values that the changes brought. */
  readonly bytes: number;
  /** Milliseconds from a mutation to its acknowledgement. */
  readonly p50?: number;
  readonly p99?: number;
}

/** The state of the process that serves the page. */
export interface ProcessStatus {
  readonly state: string;
  readonly backend: string;
  readonly pending: number;
  readonly pendingBytes: number;
  readonly unknown: readonly string[];
  readonly stale: readonly string[];
  readonly unreadable: readonly string[];
  readonly lastError?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly sideKeys?: Readonly<Record<string, unknown>>;
}

export interface Hello {
  readonly type: 'hello';
  /** Random; another one means another process, whose counters begin anew. */
  readonly instance: string;
  readonly canWrite: boolean;
  readonly hasWriters: boolean;
  readonly hasHistory: boolean;
  readonly status: ProcessStatus;
  readonly incidents: readonly Incident[];
  readonly points: readonly RatePoint[];
}

/** Says what has changed; the page then asks for what it shows. At most ten a second. */
export interface Tick {
  readonly type: 'tick';
  /** Grows when rows may look different. */
  readonly version: number;
  /** Number of the newest change. */
  readonly lastChange: number;
  readonly status?: ProcessStatus;
  readonly incidents?: readonly Incident[];
  readonly points?: readonly RatePoint[];
}

/** Shows that the connection works. */
export interface Heartbeat {
  readonly type: 'heartbeat';
}

export type StreamMessage = Hello | Tick | Heartbeat;
