// What every entry point exports beside its classes of memories.
export { type ErrorCode, SyncedMemoryError } from './errors.js';
export type { Conflict, EventMap } from './events.js';
export type { MemoryClass, PrefixedMemoryClass } from './memory.js';
export type { OpenOptions, TlsOptions } from './options.js';
export type { Capabilities, Status } from './store.js';
export * from './synced.js';
export type { AnyState, FlushOptions, MemoryMethods } from './types.js';
