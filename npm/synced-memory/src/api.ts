// What every entry point exports beside its classes of memories.
export type { Change } from './change.js';
export type { MemoryClass, PrefixedMemoryClass } from './classes.js';
export { type ErrorCode, SyncedMemoryError } from './errors.js';
export type { Conflict, EventMap } from './events.js';
export type { OpenOptions, ScopeOptions, TlsOptions } from './options.js';
export type { Schemas, StandardSchema, StateOf } from './schema.js';
export type { Capabilities, Status } from './status.js';
export * from './synced.js';
export type { AnyState, FlushOptions, MemoryMethods, NumberPath, Snapshot, TransactionOptions } from './types.js';
