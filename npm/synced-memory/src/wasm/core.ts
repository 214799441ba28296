import * as glue from '../../wasm/core.js';
import type { Clock } from '../clock.js';
import type { Reply } from '../transport.js';

let started = false;

/** Makes the one instance of the core in this JavaScript context. Further calls do nothing. */
export function start(module: WebAssembly.Module): void {
  if (started) return;
  const { exports } = new WebAssembly.Instance(module, { './core_bg.js': glue as never });
  (glue as unknown as { __wbg_set_wasm(exports: object): void }).__wbg_set_wasm(exports);
  (exports as { __wbindgen_start(): void }).__wbindgen_start();
  started = true;
}

/** Has the core been started? */
export function isRunning(): boolean {
  return started;
}

/** Asks the core about a memory, 0 for a new one: one of asks.ts. Gives a number, throws where it is refused. */
export function call(clock: Clock, handle: number, ask: number, ...values: Value[]): number {
  values.forEach(put);
  const given = glue.call(handle, ask, clock.unix(), clock.monotonic());
  if (!Number.isNaN(given)) return given;
  const code = take();
  throw Object.assign(new Error(take()), { code });
}

/** The next text that the last call left. */
export function take(): string {
  return String(decode(glue.take()));
}

/** The same, where it is not text. */
export function takeBytes(): Uint8Array {
  return glue.take();
}

/** Bytes as text, where they are UTF-8. */
export function decode(bytes: Uint8Array): string | Uint8Array {
  try {
    // One for each: Safari's decode two gigabytes in their lives.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes;
  }
}

/** What a call takes; undefined is null. */
export type Value = Reply | undefined | boolean | readonly string[];

// What `make` makes: crates/wasm/src/values.rs has the same numbers.
const NIL = 0;
const NUMBER = 1;
const ERROR = 2;
const LIST = 3;

const encoder = new TextEncoder();

function put(value: Value): void {
  if (typeof value === 'string') {
    glue.put(encoder.encode(value));
  } else if (value === null || value === undefined) {
    glue.make(NIL, 0);
  } else if (typeof value !== 'object') {
    glue.make(NUMBER, Number(value));
  } else if (ArrayBuffer.isView(value)) {
    glue.put(value);
  } else if (Array.isArray(value)) {
    value.forEach(put);
    glue.make(LIST, value.length);
  } else {
    put((value as { message: string }).message);
    glue.make(ERROR, 0);
  }
}
