// The exports that all entry points have in common: everything but their classes of memories.

export { type ErrorCode, SyncedMemoryError } from '../base/errors.js';
export type {
  CommitTrace,
  ConnectionTrace,
  MergeTrace,
  OpenTrace,
  RejectTrace,
  ResyncTrace,
  TraceSource,
} from '../base/traces.js';
export type { Change, ChangeWriter } from '../changes/describe-change.js';
export type { ListenerOptions } from '../changes/event-listeners.js';
export type { Conflict, EventMap, Moot } from '../changes/event-map.js';
export type { Capabilities, SideKeys, TlsOptions } from '../engine/engine.js';
export {
  asDict,
  asDict as asdict,
  asList,
  asList as aslist,
  clear,
  pop,
  snapshot,
} from '../memory/collection-functions.js';
export type { History, HistoryEntry, HistoryMutation, HistoryQuery } from '../memory/history.js';
export type { HistoryOptions } from '../memory/history-options.js';
export type { JournalOptions } from '../memory/journal-options.js';
export type { ListedWriter } from '../memory/listed-writer.js';
export type { MemoryClass, PrefixedMemoryClass } from '../memory/memory-classes.js';
export type {
  AnyState,
  FlushOptions,
  MemoryMethods,
  Snapshot,
  TransactionOptions,
} from '../memory/memory-methods.js';
export type { OpenOptions, ScopeOptions } from '../memory/open-options.js';
export type { Schemas, StandardSchema, StateOf } from '../memory/schema.js';
export type { ExistingPath, ListPath, NumberPath, StatePath, ValueAt } from '../memory/state-path.js';
export type { Status } from '../memory/status.js';
export type { Json, Storable } from '../memory/storable.js';
export {
  type Synced,
  SyncedDict,
  type SyncedDictMethods,
  SyncedList,
  synced,
} from '../memory/synced-collections.js';
export { popitem, setdefault, update } from '../mirror/proxy/dict-methods.js';
export { append, extend, insert, remove } from '../mirror/proxy/list-methods.js';
export { toPlain } from '../mirror/to-plain.js';
