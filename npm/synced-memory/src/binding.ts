import type { Settings } from './options.js';

/** What JavaScript asks of the core: a handful of functions over a handle, text in and text out. */
export interface Binding {
  /**
   * Opens a memory. `options` is JSON, with `beside` the handle of another memory of the same backend; `wake` is called, never synchronously, when `drain`
   * may have something.
   */
  open(options: string, wake: () => void): number;
  /** Applies local mutations in order. Throws where a group cannot be applied; what is not in one is `rejected` then. */
  submit(handle: number, batch: string): void;
  /** Throws where `submit` would reject this one mutation. */
  check(handle: number, mutation: string): void;
  /** About how many bytes the mutations take that are not acknowledged. Costs their number. */
  pendingBytes(handle: number): number;
  /** Catch up with the backend: `names` as a JSON array, or '' for all and new ones. Gives a ticket. */
  refresh(handle: number, names: string): number;
  /** Asks whether `wanted` replicas have what has been acknowledged, for at most `waitMs`. Gives a number. */
  replicate(handle: number, wanted: number, waitMs: number): number;
  /** Lets an attribute expire after `ms`, behind what was mutated before. Gives the number of the `lifetime` to come. */
  expire(handle: number, name: string, ms: number): number;
  /** Lets an attribute stay. Gives the number of the `lifetime` to come. */
  persist(handle: number, name: string): number;
  /** Asks how long an attribute stays. Gives the number of the `lifetime` to come. */
  ttl(handle: number, name: string): number;
  /** What the backend turned out to be able to do, as JSON. */
  capabilities(handle: number): string;
  /** Takes in what has arrived. Gives events as text, '' where there are none. */
  drain(handle: number): string;
  /** Blocks until `isDone`, which is asked whenever `drain` may have something; false where the time ran out first. */
  wait(handle: number, isDone: () => boolean, timeoutMs: number): boolean;
  /** Frees the handle, and ends the connection where no other memory uses it. */
  close(handle: number): void;
}

/** A build of the core: the native addon, or wasm with a transport. */
export interface Engine {
  /** What a memory with these settings calls. */
  bind(settings: Settings): Promise<Binding>;
  /** The same at once, for memories that block. Throws ERR_NOT_SUPPORTED where this build cannot. */
  bindSync(settings: Settings): Binding;
}
