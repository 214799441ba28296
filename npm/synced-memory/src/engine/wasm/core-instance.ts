import * as glue from '../../../wasm/core.js';

/** The exports of the module that the loader uses itself. The generated types leave them out. */
interface InstanceExports {
  readonly memory: WebAssembly.Memory;
  __wbindgen_start(): void;
}

/** The parts of the generated glue that its types leave out. */
interface LoaderGlue {
  /** Sets the instance that the glue calls. */
  __wbg_set_wasm(exports: InstanceExports): void;
}

interface ReleasableSession {
  /** Gives up the session without freeing its memory. */
  __destroy_into_raw(): void;
}

/** The message for a trap without a panic. */
const UNEXPLAINED = 'out of memory or of stack';

/**
 * An instance of the core's wasm module. All sessions of a JavaScript context share the current one.
 *
 * A trap, such as a panic, ends the instance and every session on it: the core's state can no longer be trusted.
 */
export class CoreInstance {
  readonly #exports: InstanceExports;
  readonly #sessions = new Map<glue.Session, () => void>();
  #error: Error | undefined;

  constructor(module: WebAssembly.Module) {
    const { exports } = new WebAssembly.Instance(module, { './core_bg.js': glue as never });
    this.#exports = exports as unknown as InstanceExports;
    (glue as unknown as LoaderGlue).__wbg_set_wasm(this.#exports);
    this.#exports.__wbindgen_start();
  }

  get hasEnded(): boolean {
    return this.#error !== undefined;
  }

  /** Opens a session; `onEnd` is called when the instance ends, possibly within a call. */
  open(options: glue.SessionOptions, onEnd: () => void): glue.Session {
    const session = this.call(() => new glue.Session(options));
    this.#sessions.set(session, onEnd);
    return session;
  }

  /** Frees a session. */
  close(session: glue.Session): void {
    if (!this.#sessions.delete(session)) return;
    try {
      this.call(() => session.free());
    } catch {
      // A trap has ended the other sessions; this one is closed as it was to be.
    }
  }

  /** Calls the core. Throws its errors, and ERR_INTERNAL where this or an earlier call ended the instance. */
  call<T>(core: () => T): T {
    if (this.#error !== undefined) throw this.#error;
    try {
      return core();
    } catch (error) {
      // The core throws nothing without a code: this is a trap.
      if (typeof (error as { code?: unknown })?.code === 'string') throw error;
      throw this.#end(error);
    }
  }

  #end(trap: unknown): Error {
    const error = Object.assign(new Error(panicMessage() ?? UNEXPLAINED, { cause: trap }), { code: 'ERR_INTERNAL' });
    this.#error = error;
    // Growing the memory, even by nothing, detaches the views of it that the glue keeps. It would use them with the next instance.
    this.#exports.memory.grow(0);
    const sessions = [...this.#sessions];
    this.#sessions.clear();
    for (const [session, onEnd] of sessions) {
      // The glue frees a session whose object is collected: by then in the memory of the next instance.
      (session as unknown as ReleasableSession).__destroy_into_raw();
      onEnd();
    }
    return error;
  }
}

function panicMessage(): string | undefined {
  try {
    return glue.panicMessage();
  } catch {
    return undefined;
  }
}
