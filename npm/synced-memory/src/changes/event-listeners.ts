import { optionsError, type SyncedMemoryError } from '../base/errors.js';
import { holdProcess } from '../base/process-exit.js';
import { emitWarning } from '../base/runtime.js';
import { type Change, concernsPath } from './describe-change.js';
import type { EventMap } from './event-map.js';

const eventNames: Record<keyof EventMap, true> = {
  change: true,
  connect: true,
  disconnect: true,
  error: true,
  warning: true,
  ack: true,
  conflict: true,
  moot: true,
  regression: true,
};

/** Options of `$on`. */
export interface ListenerOptions {
  /** Keeps the process alive until the listener is removed, or the memory is closed. Default: false. */
  keepAlive?: boolean;
  /**
   * A passive listener only observes: errors, warnings and lost connections that nobody else listens to are still printed.
   * Default: false.
   */
  passive?: boolean;
}

/** A listener. `changeNumber` is given with changes only. */
type Listener = (payload: never, changeNumber: number) => void;

/** The names of the options of `$on`. */
const optionNames: ReadonlySet<string> = new Set<keyof ListenerOptions>(['keepAlive', 'passive']);

/** The most warnings that are kept for the first listener. */
const MAX_UNHEARD = 16;

/** The listeners of a memory's events. A listener that throws affects neither the other listeners nor the caller of emit. */
export class EventListeners {
  /** Number of the last change that was made. A listener gets only changes that come after it was added. */
  lastChange = 0;
  /** Listeners by event; those of changes at a path by `change:` and the attribute. */
  readonly #listeners = new Map<string, Set<Listener>>();
  /** The listeners that do not count where it matters whether an event has a listener. */
  readonly #passive = new Set<Listener>();
  /** Number of listeners of changes, with or without a path. */
  #changeListeners = 0;
  /** Warnings without a listener so far. The first may come before `open` returns. */
  readonly #unheard: SyncedMemoryError[] = [];
  /** Functions that let the process end, of the listeners that keep it alive. */
  readonly #holds = new Set<() => void>();
  #isEnded = false;
  /** Called with a lost connection that neither a listener nor `onError` learns of. */
  onUnheardLoss: (error: SyncedMemoryError) => void = () => {};
  readonly #onError: ((error: SyncedMemoryError) => void) | undefined;

  /** `onError` is called with every error, after the listeners of `error`. */
  constructor(onError: ((error: SyncedMemoryError) => void) | undefined) {
    this.#onError = onError;
  }

  /**
   * Adds a listener, and returns a function that removes it. `path`, for `change` only, is an attribute's name or a path that begins
   * with one: the listener then gets only changes that concern it. Throws ERR_OPTIONS for an unknown event or option.
   */
  on<E extends keyof EventMap>(
    event: E,
    listener: (payload: EventMap[E]) => void,
    path?: string | readonly (string | number)[],
    options: ListenerOptions = {},
  ): () => void {
    if (!Object.hasOwn(eventNames, event) || typeof listener !== 'function') {
      throw optionsError(`$on takes an event (${Object.keys(eventNames).join(', ')}) and a function`);
    }
    if (path !== undefined && (event !== 'change' || (typeof path !== 'string' && !Array.isArray(path)))) {
      throw optionsError(
        "$on('change') takes an attribute's name, or a path that begins with one; other events take none",
      );
    }
    checkListenerOptions(options);
    const selected = typeof path === 'string' ? [path] : path && [...path];
    const key = selected?.length ? changeKey(selected[0]) : event;
    const set = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, set);
    // A function of its own for each call: the same listener may be added twice.
    const since = this.lastChange;
    const own: Listener = (payload: EventMap[E], changeNumber) => {
      if (changeNumber > since && (selected === undefined || concernsPath(payload as Change, selected))) {
        listener(payload);
      }
    };
    set.add(own);
    if (event === 'change') this.#changeListeners++;
    const isPassive = options.passive === true;
    if (isPassive) this.#passive.add(own);
    if (event === 'warning') {
      const earlier = isPassive ? this.#unheard : this.#unheard.splice(0);
      for (const warning of earlier) queueMicrotask(() => this.#call(event, own, warning));
    }
    const letEnd = options.keepAlive === true ? this.#holdProcess() : () => {};
    return () => {
      letEnd();
      this.#passive.delete(own);
      if (set.delete(own) && event === 'change') this.#changeListeners--;
      if (set.size === 0 && this.#listeners.get(key) === set) this.#listeners.delete(key);
    };
  }

  #holdProcess(): () => void {
    if (this.#isEnded) return () => {};
    const release = holdProcess();
    this.#holds.add(release);
    return () => {
      release();
      this.#holds.delete(release);
    };
  }

  /** The memory is closed: no listener keeps the process alive any more. */
  end(): void {
    this.#isEnded = true;
    for (const release of this.#holds) release();
    this.#holds.clear();
  }

  /** True if something learns of a lost connection: a listener of `disconnect` or `error`, or `onError`. */
  get hearsLosses(): boolean {
    return this.#onError !== undefined || this.isHeard('disconnect') || this.isHeard('error');
  }

  /** True if the event has a listener. */
  has(event: keyof EventMap): boolean {
    return event === 'change' ? this.#changeListeners > 0 : this.#listeners.has(event);
  }

  /** True if the event has a listener that is not passive. */
  isHeard(event: Exclude<keyof EventMap, 'change'>): boolean {
    for (const listener of this.#listeners.get(event) ?? []) if (!this.#passive.has(listener)) return true;
    return false;
  }

  /** Calls the listeners of the event. An error without any listener becomes a process warning. */
  emit<E extends Exclude<keyof EventMap, 'change'>>(event: E, payload: EventMap[E]): void {
    if (event === 'warning' && !this.isHeard(event) && this.#unheard.length < MAX_UNHEARD) {
      this.#unheard.push(payload as SyncedMemoryError);
    }
    this.#callAll(event, payload);
    if (event === 'disconnect' && !this.hearsLosses) this.onUnheardLoss(payload as SyncedMemoryError);
    if (event !== 'error') return;
    if (this.#onError !== undefined) this.#call('error', this.#onError as Listener, payload);
    else if (!this.isHeard('error')) emitWarning(payload as SyncedMemoryError);
  }

  /** Calls the listeners of a change that were added before it was made. */
  emitChange(change: Change, number: number): void {
    this.#callAll('change', change, number);
    this.#callAll(changeKey(change.name), change, number);
  }

  #callAll(key: string, payload: unknown, changeNumber?: number): void {
    const [event = key] = key.split(':', 1);
    for (const listener of [...(this.#listeners.get(key) ?? [])]) this.#call(event, listener, payload, changeNumber);
  }

  /** Calls one listener. Events other than `change` have no number, and every listener gets them. */
  #call(event: string, listener: Listener, payload: unknown, changeNumber = Number.POSITIVE_INFINITY): void {
    try {
      listener(payload as never, changeNumber);
    } catch (error) {
      // Rethrown here, it would interrupt the caller, which is applying events of the core.
      const text = error instanceof Error ? error.stack : String(error);
      emitWarning(`a listener of "${event}" threw: ${text}`, 'SyncedMemoryListenerWarning');
    }
  }
}

function checkListenerOptions(options: ListenerOptions): void {
  const isValid =
    typeof options === 'object' &&
    options !== null &&
    Object.entries(options).every(([name, value]) => optionNames.has(name) && typeof value === 'boolean');
  if (!isValid) throw optionsError('the options of $on are keepAlive and passive, each true or false');
}

/** Key of the listeners of an attribute's changes. */
function changeKey(name: unknown): string {
  return `change:${name}`;
}
