import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { SyncedMemoryError } from './errors.js';

/** What JavaScript asks of the core: a handful of functions over a handle, text in and text out. */
export interface Binding {
  /** Opens a memory. `options` is JSON; `wake` is called, never synchronously, when `drain` may have something. */
  open(options: string, wake: () => void): number;
  /** Applies local mutations in order. Gives the length in bytes of the document that the last one changed. */
  submit(handle: number, batch: string): number;
  /** Throws what `submit` of this one mutation would throw. */
  check(handle: number, mutation: string): void;
  /** About how many bytes the mutations take that are not acknowledged. Costs their number. */
  pendingBytes(handle: number): number;
  /** Catch up with the backend: `names` as a JSON array, or '' for all and new ones. Gives a ticket. */
  refresh(handle: number, names: string): number;
  /** Takes in what has arrived. Gives events as text, '' where there are none. */
  drain(handle: number): string;
  /** Blocks until `drain` may have something; false where the time ran out first. */
  wait(handle: number, timeoutMs: number): boolean;
  /** Ends the connection and frees the handle. */
  close(handle: number): void;
}

let loaded: Binding | undefined;

/** The native addon, loaded on first use. Throws ERR_ADDON with every cause. */
export function addon(): Binding {
  loaded ??= load();
  return loaded;
}

function load(): Binding {
  // The same from src/ and from dist/.
  const file = fileURLToPath(new URL('../synced-memory.node', import.meta.url));
  try {
    return createRequire(import.meta.url)(file) as Binding;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new SyncedMemoryError(
      'ERR_ADDON',
      `the native addon cannot be loaded on ${process.platform}-${process.arch}: ${cause}; build it with \`npm run build\` in the repository`,
      { cause: error },
    );
  }
}
