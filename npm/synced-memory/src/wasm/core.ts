import {
  // @ts-expect-error -- not in the types: takes the exports of the wasm
  __wbg_set_wasm,
  // @ts-expect-error -- nor is this: all that the wasm imports
  __wbindgen_init_externref_table,
  call as callCore,
  make,
  put as putBytes,
  take as takeBytes,
} from '../../wasm/core.js';
import type { Clock } from '../clock.js';
import type { Reply } from '../transport.js';

let started = false;

/** Makes the one instance of the core in this JavaScript context. Further calls do nothing. */
export function start(module: WebAssembly.Module): void {
  if (started) return;
  const { exports } = new WebAssembly.Instance(module, { './core_bg.js': { __wbindgen_init_externref_table } });
  __wbg_set_wasm(exports);
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
  const given = callCore(handle, ask, clock.unix(), clock.monotonic());
  if (!Number.isNaN(given)) return given;
  const code = take();
  throw Object.assign(new Error(String(take())), { code });
}

/** The next text that the last call left, bytes where they are not UTF-8. */
export function take(): string | Uint8Array {
  const bytes = takeBytes();
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
    putBytes(encoder.encode(value));
  } else if (value === null || value === undefined) {
    make(NIL, 0);
  } else if (typeof value !== 'object') {
    make(NUMBER, Number(value));
  } else if (ArrayBuffer.isView(value)) {
    putBytes(value);
  } else if (Array.isArray(value)) {
    value.forEach(put);
    make(LIST, value.length);
  } else {
    put((value as { message: string }).message);
    make(ERROR, 0);
  }
}
