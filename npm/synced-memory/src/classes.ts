import type { Engine } from './binding.js';
import { create, isMemory, MemoryBase, opened, openedSync } from './memory.js';
import { type Defaults, type OpenOptions, type Settings, scopePrefix, settle } from './options.js';
import type { Schemas, StateOf } from './schema.js';
import type { AnyState, MemoryMethods, Memory as MemoryOf } from './types.js';

type Unchecked = Omit<OpenOptions, 'schema'> & { schema?: undefined };

/** How a class of memories is opened. */
export interface MemoryClass {
  /**
   * Opens a memory and loads its attributes. Resolves also where the server cannot be reached: mutations then wait for
   * it. Rejects with ERR_OPTIONS, ERR_AUTH, ERR_FILE or ERR_ADDON.
   */
  open<S extends object = AnyState>(options?: Unchecked | string | URL): Promise<MemoryOf<S>>;
  /** The same with the state's shape taken from its validators. */
  open<const T extends Schemas>(options: OpenOptions & { schema: T }): Promise<MemoryOf<StateOf<T>>>;
  /** The same with validators, and a shape that is told. */
  open<S extends object>(options: OpenOptions): Promise<MemoryOf<S>>;
  /**
   * Opens a memory whose mutations return when they are acknowledged, and whose attributes are read from the server,
   * as the Python package does it. For scripts: each blocks the thread for a round trip.
   */
  openSync<S extends object = AnyState>(options?: Unchecked | string | URL): MemoryOf<S>;
  /** The same with the state's shape taken from its validators. */
  openSync<const T extends Schemas>(options: OpenOptions & { schema: T }): MemoryOf<StateOf<T>>;
  /** The same with validators, and a shape that is told. */
  openSync<S extends object>(options: OpenOptions): MemoryOf<S>;
  readonly prototype: MemoryMethods;
  [Symbol.hasInstance](value: unknown): value is MemoryMethods;
}

/** The same for one scope: keys are `<prefix><scope>:<name>`. */
export interface PrefixedMemoryClass {
  /** See {@link MemoryClass.open}. */
  open<S extends object = AnyState>(scope: string, options?: Unchecked | string | URL): Promise<MemoryOf<S>>;
  /** The same with the state's shape taken from its validators. */
  open<const T extends Schemas>(scope: string, options: OpenOptions & { schema: T }): Promise<MemoryOf<StateOf<T>>>;
  /** The same with validators, and a shape that is told. */
  open<S extends object>(scope: string, options: OpenOptions): Promise<MemoryOf<S>>;
  /** See {@link MemoryClass.openSync}. */
  openSync<S extends object = AnyState>(scope: string, options?: Unchecked | string | URL): MemoryOf<S>;
  /** The same with the state's shape taken from its validators. */
  openSync<const T extends Schemas>(scope: string, options: OpenOptions & { schema: T }): MemoryOf<StateOf<T>>;
  /** The same with validators, and a shape that is told. */
  openSync<S extends object>(scope: string, options: OpenOptions): MemoryOf<S>;
  readonly prototype: MemoryMethods;
  [Symbol.hasInstance](value: unknown): value is MemoryMethods;
}

/** The classes of an entry point: run by `engine`, their server looked for by `defaults`. */
export function memoryClasses(
  defaults: Defaults,
  engine: Engine,
): { Memory: MemoryClass; PrefixedMemory: PrefixedMemoryClass } {
  class Memory extends MemoryBase {
    /** Memories of every entry point and every scope are memories. */
    static override [Symbol.hasInstance](value: unknown): value is MemoryMethods {
      return isMemory(value);
    }

    static async open(options?: OpenOptions | string | URL): Promise<object> {
      return open(Memory.prototype, settle(options, defaults));
    }

    static openSync(options?: OpenOptions | string | URL): object {
      return openSync(Memory.prototype, settle(options, defaults));
    }
  }

  class PrefixedMemory extends MemoryBase {
    static async open(scope: string, options?: OpenOptions | string | URL): Promise<object> {
      return open(PrefixedMemory.prototype, scoped(scope, options));
    }

    static openSync(scope: string, options?: OpenOptions | string | URL): object {
      return openSync(PrefixedMemory.prototype, scoped(scope, options));
    }
  }

  function scoped(scope: string, options: OpenOptions | string | URL | undefined): Settings {
    const settings = settle(options, defaults);
    return { ...settings, prefix: scopePrefix(settings.prefix, scope) };
  }

  async function open(prototype: object, settings: Settings): Promise<object> {
    return opened(create(prototype, settings, await engine.bind(settings), false));
  }

  function openSync(prototype: object, settings: Settings): object {
    return openedSync(create(prototype, settings, engine.bindSync(settings), true));
  }

  return { Memory, PrefixedMemory } as unknown as { Memory: MemoryClass; PrefixedMemory: PrefixedMemoryClass };
}
