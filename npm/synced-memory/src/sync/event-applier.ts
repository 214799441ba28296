import { type ErrorCode, isLasting, SyncedMemoryError, syncedError } from '../base/errors.js';
import { withPrintableRevisions } from '../base/printable-revisions.js';
import type { ChangeDispatcher } from '../changes/change-dispatcher.js';
import type { EventListeners } from '../changes/event-listeners.js';
import type { EventMap } from '../changes/event-map.js';
import type { Mirror } from '../mirror/mirror.js';
import type { CoreConnection } from './core-connection.js';
import type { CoreEvent, EventReceiver } from './core-event.js';
import { type CoreState, toBigInt } from './core-state.js';
import type { PendingRequests } from './pending-requests.js';
import type { PendingWaits } from './pending-waits.js';
import type { SessionTelemetry } from './session-telemetry.js';
import type { SizeLimits } from './size-limits.js';

/**
 * Applies the events of the core to the mirror, to the state of the connection, and to requests and waits. Listeners are called
 * after all events that arrived together: they may mutate, and must find the mirror where the core is.
 */
export class EventApplier implements EventReceiver {
  readonly #state: CoreState;
  readonly #telemetry: SessionTelemetry;
  readonly #requests: PendingRequests;
  readonly #waits: PendingWaits;
  readonly #mirror: Mirror;
  readonly #dispatcher: ChangeDispatcher;
  readonly #listeners: EventListeners;
  readonly #limits: SizeLimits;
  /** Attributes with a validator that other writers have changed. */
  readonly #toValidate = new Set<string>();
  /** Calls of listeners that were not made yet. */
  readonly #emissions: (() => void)[] = [];
  #isNotifying = false;
  /** True if there are listeners to call since the last round of calls began. */
  #mustNotify = false;

  constructor(
    { state, telemetry, requests, waits }: CoreConnection,
    mirror: Mirror,
    dispatcher: ChangeDispatcher,
    listeners: EventListeners,
    limits: SizeLimits,
  ) {
    this.#state = state;
    this.#telemetry = telemetry;
    this.#requests = requests;
    this.#waits = waits;
    this.#mirror = mirror;
    this.#dispatcher = dispatcher;
    this.#listeners = listeners;
    this.#limits = limits;
  }

  get canApply(): boolean {
    return this.#mirror.undoLog === undefined;
  }

  apply(events: readonly CoreEvent[]): void {
    for (const event of events) this.#applyOrReport(event);
    this.#validateChanged();
    this.notify();
  }

  /** An event that cannot be applied must not keep the others from the mirror. Its attribute is unreadable until it is loaded. */
  #applyOrReport(event: CoreEvent): void {
    try {
      this.#apply(event);
    } catch (cause) {
      const [kind, name] = event;
      const hasValue = kind === 'load' || kind === 'patch' || kind === 'gone';
      const error = SyncedMemoryError.from(cause, hasValue ? name : undefined);
      if (hasValue) this.#mirror.applyUnreadable(name, error);
      this.#emit('error', error);
    }
  }

  report(error: SyncedMemoryError): void {
    this.#emit('error', error);
  }

  notify(): void {
    // A listener that mutates a memory in blocking mode, or calls $flushSync, comes here again. The listeners of what has happened
    // by then are called after those of what happened before.
    this.#mustNotify = true;
    if (this.#isNotifying) return;
    this.#isNotifying = true;
    try {
      while (this.#mustNotify) {
        this.#mustNotify = false;
        this.#dispatcher.dispatch();
        for (const emit of this.#emissions.splice(0)) emit();
      }
    } finally {
      this.#isNotifying = false;
    }
  }

  #apply(event: CoreEvent): void {
    switch (event[0]) {
      case 'load': {
        const [, name, revision, bytes, value, id, label] = event;
        this.#changedRemotely(name, revision, bytes, id, label);
        if (revision !== null) this.#mirror.known?.learn(name);
        this.#merge(name, 1, bytes, () => this.#mirror.applyLoad(name, value));
        break;
      }
      case 'patch': {
        const [, name, revision, bytes, mutations, id, label] = event;
        // An earlier event of the attribute could not be applied: it stays unreadable until it is loaded.
        if (this.#mirror.isUnreadable(name)) break;
        this.#changedRemotely(name, revision, bytes, id, label);
        if (revision !== null) this.#mirror.known?.learn(name);
        this.#merge(name, mutations.length, bytes, () => this.#mirror.applyPatch(name, mutations));
        break;
      }
      case 'gone': {
        const [, name, id, label] = event;
        this.#changedRemotely(name, null, 0, id, label);
        this.#merge(name, 1, 0, () => this.#mirror.applyDeletion(name));
        break;
      }
      case 'unreadable': {
        const [, name, code, message] = event;
        const error = coreError(code, message, name);
        this.#changedRemotely(name, null, 0);
        this.#mirror.known?.learn(name);
        this.#mirror.applyUnreadable(name, error);
        this.#emit('error', error);
        break;
      }
      case 'ack': {
        const [, name, revision, bytes, last, attempts] = event;
        this.#setStored(name, revision, bytes);
        this.#telemetry.commits.acknowledge(name, revision, bytes, last, attempts);
        this.#mirror.known?.learn(name);
        this.#state.lastError = undefined;
        if (this.#listeners.has('ack')) {
          this.#emit('ack', withPrintableRevisions({ name, revision: toBigInt(revision) }, 'revision'));
        }
        break;
      }
      case 'settled':
        this.#state.settled = event[1];
        this.#state.pendingAttributes.settle(event[1]);
        this.#telemetry.commits.settle(event[1]);
        break;
      case 'rejected': {
        const [, name, code, message, mutation] = event;
        const error = coreError(code, message, name);
        this.#mirror.known?.forgetDeletion(name);
        this.#waits.noteRejection(error, mutation);
        this.#telemetry.reject(error, name);
        this.#telemetry.commits.reject(name, mutation, error);
        this.#emit('error', error);
        break;
      }
      case 'conflict':
      case 'moot': {
        const [tag, name, kind, path, message] = event;
        this.#telemetry.noteDropped(name, tag);
        this.#emit(tag, { name, kind, path, message });
        break;
      }
      case 'regression': {
        const [, name, previous, revision] = event;
        this.#state.regressions++;
        const regression = { name, previous: BigInt(previous), revision: BigInt(revision) };
        this.#emit('regression', withPrintableRevisions(regression, 'previous', 'revision'));
        break;
      }
      case 'resync':
        this.#telemetry.resync(event[1], event[2]);
        break;
      default:
        this.#applyToConnection(event);
    }
  }

  #applyToConnection(event: CoreEvent): void {
    const state = this.#state;
    switch (event[0]) {
      case 'connect':
        state.connection = 'connected';
        state.lastError = undefined;
        state.stale = [];
        this.#telemetry.connected();
        this.#emit('connect', undefined);
        break;
      case 'disconnect':
        state.connection = 'disconnected';
        state.lastError = coreError(event[1], event[2]);
        state.refusal = isLasting(event[1]) ? state.lastError : undefined;
        this.#telemetry.disconnected(state.lastError);
        this.#emit('disconnect', state.lastError);
        break;
      case 'error':
        state.lastError = coreError(event[2], event[3]);
        // The names of the attributes cannot be listed.
        if (event[2] === 'ERR_REFUSED') state.refusal = state.lastError;
        this.#emit('error', state.lastError);
        break;
      case 'warning':
        this.#emit('warning', coreError(event[1], event[2]));
        break;
      case 'ready':
        this.#mirror.known?.learnAll();
        state.refusal = undefined;
        break;
      case 'released':
        state.isReleased = true;
        break;
      case 'refreshed':
        state.refreshing.delete(event[1]);
        break;
      case 'history': {
        const [kind, number, result, code, message] = event;
        if (result === null) this.#requests.reject(kind, number, coreError(code ?? 'ERR_INTERNAL', message));
        else this.#requests.resolve(kind, number, result);
        break;
      }
      case 'lifetime':
      case 'writers':
      case 'replicated': {
        const [kind, number, result, code, message] = event;
        if (code) this.#requests.reject(kind, number, coreError(code, message));
        else this.#requests.resolve(kind, number, result);
        break;
      }
      case 'result': {
        const [kind, number, result, code, message] = event;
        if (result === null) this.#requests.reject(kind, number, resultError(code, message));
        else this.#requests.resolve(kind, number, result);
        break;
      }
      case 'committed':
        this.#requests.resolve('committed', event[1], undefined);
        break;
      case 'aborted':
        this.#telemetry.reject(coreError(event[2], event[3]));
        this.#requests.reject('committed', event[1], coreError(event[2], event[3]));
        break;
    }
  }

  #emit<E extends Exclude<keyof EventMap, 'change'>>(event: E, payload: EventMap[E]): void {
    this.#emissions.push(() => this.#listeners.emit(event, payload));
  }

  /** Applies a change of other writers, which makes so many mutations, to an attribute that may have pending mutations. */
  #merge(name: string, mutations: number, bytes: number, apply: () => void): void {
    if (!this.#telemetry.observesMerges) apply();
    else this.#telemetry.merge(name, mutations, bytes, this.#state.pendingAttributes.has(name), apply);
  }

  /** Another writer changed the attribute. */
  #changedRemotely(name: string, revision: string | null, bytes: number, id?: string, label?: string): void {
    this.#setStored(name, revision, bytes);
    const { isActive } = this.#dispatcher;
    this.#dispatcher.revision = isActive ? toBigInt(revision) : undefined;
    this.#dispatcher.writer = isActive && id ? Object.freeze({ id, ...(label && { label }) }) : undefined;
    if (this.#mirror.validator !== undefined) this.#toValidate.add(name);
  }

  /** Notes the stored revision and length of an attribute. */
  #setStored(name: string, revision: string | null, bytes: number): void {
    if (revision === null) this.#state.revisions.delete(name);
    else this.#state.revisions.set(name, revision);
    this.#limits.setDocument(name, bytes);
  }

  /** Reports values of other writers that the schema does not accept. They can be read all the same. */
  #validateChanged(): void {
    for (const name of this.#toValidate) {
      const error = this.#mirror.has(name) ? this.#mirror.validator?.(name, this.#mirror.snapshot(name)) : undefined;
      if (error !== undefined) this.#emit('error', error);
    }
    this.#toValidate.clear();
  }
}

function resultError(code: string | undefined, message: string | undefined): SyncedMemoryError {
  const unknown =
    "the mutation was applied, but its result is unknown: the server's reply was lost; read the attribute instead";
  return code ? coreError(code, message) : syncedError('ERR_OUTCOME_UNKNOWN', unknown);
}

/** An error that the core, or the server, has worded. */
function coreError(code: string, message = '', attribute?: string): SyncedMemoryError {
  const text = attribute === undefined ? message : `${attribute}: ${message}`;
  return new SyncedMemoryError(code as ErrorCode, text, { attribute });
}
