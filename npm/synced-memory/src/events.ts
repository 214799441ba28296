import { type Change, concerns } from './change.js';
import { optionsError, type SyncedMemoryError } from './errors.js';
import { warn } from './host.js';

/** A mutation that was dropped because what it was to change is gone. */
export interface Conflict {
  name: string;
  /** `append`, `set`, … */
  kind: string;
  /** The container that it was to change, from the attribute's value down. */
  path: (string | number)[];
  /** Why. */
  message: string;
}

/** What `$on` takes, and what listeners get. */
export interface EventMap {
  /** Something changed, by this process or another one. */
  change: Change;
  /** The server can be reached, and everything loaded is up to date. */
  connect: undefined;
  /** The server cannot be reached; mutations are kept. */
  disconnect: SyncedMemoryError;
  /** Something went wrong that no call could throw. */
  error: SyncedMemoryError;
  /** A commit was acknowledged; without a revision where it deleted the attribute. */
  ack: { name: string; revision: bigint | undefined };
  /** A mutation was dropped. */
  conflict: Conflict;
  /** A revision went back: the server lost something, by a fail-over or a restored backup. What it has is followed. */
  regression: { name: string; previous: bigint; revision: bigint };
}

const kinds: Record<keyof EventMap, true> = {
  change: true,
  connect: true,
  disconnect: true,
  error: true,
  ack: true,
  conflict: true,
  regression: true,
};

type Listener = (payload: never) => void;

/** Listeners by event, those to a place by its attribute. One that throws harms neither the others nor who emits. */
export class Events {
  readonly #listeners = new Map<string, Set<Listener>>();
  /** How many want to know of changes. */
  #changeListeners = 0;
  readonly #onError: ((error: SyncedMemoryError) => void) | undefined;
  readonly #onChange: () => void;

  /** `onChange` is called when somebody begins or ceases to listen. */
  constructor(onError: ((error: SyncedMemoryError) => void) | undefined, onChange: () => void) {
    this.#onError = onError;
    this.#onChange = onChange;
  }

  on<E extends keyof EventMap>(
    event: E,
    listener: (payload: EventMap[E]) => void,
    place?: string | readonly (string | number)[],
  ): () => void {
    // A listener that is never called would look like nothing ever happening.
    if (!Object.hasOwn(kinds, event) || typeof listener !== 'function') {
      throw optionsError(`$on takes one of ${Object.keys(kinds).join(', ')}, and a function`);
    }
    if (place !== undefined && (event !== 'change' || (typeof place !== 'string' && !Array.isArray(place)))) {
      throw optionsError("$on('change') takes a place: an attribute's name, or a path that begins with one");
    }
    const path = typeof place === 'string' ? [place] : place && [...place];
    const key = path?.length ? changesOf(path[0]) : event;
    const set = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, set);
    // The same function may be registered twice.
    const own: Listener =
      path === undefined
        ? (payload) => listener(payload)
        : (payload: EventMap[E]) => {
            if (concerns(payload as Change, path)) listener(payload);
          };
    set.add(own);
    if (event === 'change') this.#changeListeners++;
    this.#onChange();
    return () => {
      if (set.delete(own) && event === 'change') this.#changeListeners--;
      if (set.size === 0 && this.#listeners.get(key) === set) this.#listeners.delete(key);
      this.#onChange();
    };
  }

  has(event: keyof EventMap): boolean {
    return event === 'change' ? this.#changeListeners > 0 : this.#listeners.has(event);
  }

  emit<E extends keyof EventMap>(event: E, payload: EventMap[E]): void {
    this.#callAll(event, payload);
    if (event === 'change') this.#callAll(changesOf((payload as Change).name), payload);
    if (event !== 'error') return;
    if (this.#onError !== undefined) this.#call(this.#onError as Listener, payload);
    else if (!this.has('error')) warn(payload as SyncedMemoryError);
  }

  #callAll(key: string, payload: unknown): void {
    for (const listener of [...(this.#listeners.get(key) ?? [])]) this.#call(listener, payload);
  }

  #call(listener: Listener, payload: unknown): void {
    try {
      listener(payload as never);
    } catch (error) {
      // Not thrown here, where it would stop what is being applied, but not hidden either.
      warn(error instanceof Error ? error : String(error), 'SyncedMemoryListenerWarning');
    }
  }
}

/** The key of those who listen to changes of an attribute. */
function changesOf(name: unknown): string {
  return `change:${name}`;
}
