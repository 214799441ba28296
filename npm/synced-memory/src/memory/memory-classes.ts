import { traceCallers } from '../base/caller-stack.js';
import type { Engine } from '../engine/engine.js';
import type { InferredState, InferringOptions } from './inferred-state.js';
import { isMemory, MemoryBase, openMemory, openMemorySync } from './memory-base.js';
import type { MemoryMethods, Memory as MemoryOf } from './memory-methods.js';
import type { OpenOptions } from './open-options.js';
import {
  type EntryDefaults,
  type OpenArguments,
  type ResolvedOptions,
  resolveOptions,
  scopePrefix,
} from './resolve-options.js';
import type { Schemas } from './schema.js';
import type { Storable } from './storable.js';

/** The class `Memory` of an entry point. */
export interface MemoryClass {
  /**
   * Opens a memory. `options` is an object or a URL. Resolves when the attributes are loaded; with `offline`, at once.
   *
   * Rejects with ERR_UNREACHABLE if they are not loaded within `openTimeout`, or with ERR_BUSY where the server was reached and
   * cannot answer, such as one that is loading its data. Rejects at once with ERR_OPTIONS (an option is wrong),
   * ERR_AUTH, ERR_DATABASE, ERR_NOT_REDIS, ERR_NOT_CLUSTER, ERR_TLS, ERR_CERTIFICATE or ERR_REFUSED (the other end refuses the login,
   * the database, the protocol, TLS, a certificate, the listing of names or of slots), ERR_FILE (the file cannot be opened) or ERR_ADDON (the
   * addon cannot be loaded).
   */
  open<D extends object, T extends Schemas, N extends string, S extends object = InferredState<D, T, N>>(
    options?: InferringOptions<D, T, N> | string | URL,
  ): Promise<MemoryOf<S>>;
  /** Opens a memory whose state has the shape S. */
  open<S extends object & Storable<S>>(options?: OpenOptions<S> | string | URL): Promise<MemoryOf<S>>;
  /**
   * Opens a memory in blocking mode, for scripts: a mutation returns when it is acknowledged, and reading an attribute fetches it
   * from the server first, as in the Python package. Each blocks the thread for a round trip. Throws what `open` rejects with, and
   * ERR_NOT_SUPPORTED on the wasm build.
   */
  openSync<D extends object, T extends Schemas, N extends string, S extends object = InferredState<D, T, N>>(
    options?: InferringOptions<D, T, N> | string | URL,
  ): MemoryOf<S>;
  /** Opens a memory in blocking mode, whose state has the shape S. */
  openSync<S extends object & Storable<S>>(options?: OpenOptions<S> | string | URL): MemoryOf<S>;
  readonly prototype: MemoryMethods;
  /** True for the memories of every entry point and scope. */
  [Symbol.hasInstance](value: unknown): value is MemoryMethods;
}

/** The class `PrefixedMemory` of an entry point: its memories have the keys `<prefix><scope>:<name>`. */
export interface PrefixedMemoryClass {
  /** Opens the memory of a scope. See {@link MemoryClass.open}. */
  open<D extends object, T extends Schemas, N extends string, S extends object = InferredState<D, T, N>>(
    scope: string,
    options?: InferringOptions<D, T, N> | string | URL,
  ): Promise<MemoryOf<S>>;
  /** Opens the memory of a scope, whose state has the shape S. */
  open<S extends object & Storable<S>>(scope: string, options?: OpenOptions<S> | string | URL): Promise<MemoryOf<S>>;
  /** Opens the memory of a scope in blocking mode. See {@link MemoryClass.openSync}. */
  openSync<D extends object, T extends Schemas, N extends string, S extends object = InferredState<D, T, N>>(
    scope: string,
    options?: InferringOptions<D, T, N> | string | URL,
  ): MemoryOf<S>;
  /** Opens the memory of a scope in blocking mode, whose state has the shape S. */
  openSync<S extends object & Storable<S>>(scope: string, options?: OpenOptions<S> | string | URL): MemoryOf<S>;
  readonly prototype: MemoryMethods;
  [Symbol.hasInstance](value: unknown): value is MemoryMethods;
}

/** The classes of an entry point, with its engine and its defaults. */
export function createMemoryClasses(
  defaults: EntryDefaults,
  engine: Engine,
): { Memory: MemoryClass; PrefixedMemory: PrefixedMemoryClass } {
  class Memory extends MemoryBase {
    constructor() {
      super('Memory.open(options)');
    }

    static override [Symbol.hasInstance](value: unknown): value is MemoryMethods {
      return isMemory(value);
    }

    static async open(...args: OpenArguments): Promise<object> {
      const resolved = resolveOptions(args, defaults);
      return openMemory(Memory.prototype, await engine.prepare(resolved), resolved);
    }

    static openSync(...args: OpenArguments): object {
      const resolved = resolveOptions(args, defaults);
      return openMemorySync(Memory.prototype, engine.prepareSync(resolved), resolved);
    }
  }

  class PrefixedMemory extends MemoryBase {
    constructor() {
      super('PrefixedMemory.open(scope, options)');
    }

    static async open(scope: string, ...args: OpenArguments): Promise<object> {
      const resolved = resolveForScope(scope, args);
      return openMemory(PrefixedMemory.prototype, await engine.prepare(resolved), resolved);
    }

    static openSync(scope: string, ...args: OpenArguments): object {
      const resolved = resolveForScope(scope, args);
      return openMemorySync(PrefixedMemory.prototype, engine.prepareSync(resolved), resolved);
    }
  }

  for (const Class of [Memory, PrefixedMemory]) traceCallers(Class, ['open', 'openSync']);

  function resolveForScope(scope: string, args: OpenArguments): ResolvedOptions {
    const resolved = resolveOptions(args, defaults);
    return { ...resolved, prefix: scopePrefix(resolved.prefix, scope) };
  }

  return { Memory, PrefixedMemory } as unknown as { Memory: MemoryClass; PrefixedMemory: PrefixedMemoryClass };
}
