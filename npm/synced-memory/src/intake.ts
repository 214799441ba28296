import { Answers } from './answers.js';
import type { CoreEvent } from './core-event.js';
import { SyncedMemoryError, syncedError } from './errors.js';
import type { EventMap, Events } from './events.js';
import type { Feed } from './feed.js';
import type { Limits } from './limits.js';
import type { Mirror } from './mirror.js';
import type { Status } from './status.js';
import { Waiters } from './waiters.js';

/**
 * Takes in what the core reports: into the mirror, to who waits for it, and to listeners once everything that came together
 * is applied.
 */
export class Intake {
  readonly answers = new Answers();
  readonly waiters = new Waiters();
  state: Status['state'] = 'connecting';
  lastError: SyncedMemoryError | undefined;
  /** Up to which of the mutations submitted so far all are settled. */
  settled = 0;
  /** Tickets of `refresh` that were not reported yet. A later one may be done before an earlier one. */
  readonly refreshing = new Set<number>();
  /** Are the attributes loaded, or the server out of reach? */
  ready = false;
  /** Documents that went back to an earlier revision, so far. */
  losses = 0;
  /** Decimal digits: only who asks for one pays for a BigInt. */
  readonly revisions = new Map<string, string>();
  /** Attributes with a schema that others have changed. */
  readonly #unchecked = new Set<string>();
  /** What to tell listeners once everything that arrived is applied. */
  readonly #emissions: (() => void)[] = [];
  readonly #mirror: Mirror;
  readonly #events: Events;
  readonly #feed: Feed;
  readonly #limits: Limits;

  constructor(mirror: Mirror, events: Events, feed: Feed, limits: Limits) {
    this.#mirror = mirror;
    this.#events = events;
    this.#feed = feed;
    this.#limits = limits;
  }

  /** Takes in events that came together, and calls listeners and those who wait. */
  take(events: readonly CoreEvent[]): void {
    for (const event of events) this.#take(event);
    this.#checkOthers();
    this.deliver();
    this.waiters.settle();
  }

  /** Calls listeners. They may mutate, and that must find the mirror where the core is: after all events. */
  deliver(): void {
    this.#feed.deliver();
    for (const emit of this.#emissions.splice(0)) emit();
  }

  #take(event: CoreEvent): void {
    switch (event[0]) {
      case 'load':
        this.#arrived(event[1], event[2], event[3]);
        this.#mirror.load(event[1], event[4]);
        break;
      case 'patch':
        this.#arrived(event[1], event[2], event[3]);
        this.#mirror.patch(event[1], event[4]);
        break;
      case 'gone':
        this.#arrived(event[1], null, 0);
        this.#mirror.gone(event[1]);
        break;
      case 'unreadable': {
        const error = refusal(event[2], event[3], event[1]);
        this.#arrived(event[1], null, 0);
        this.#mirror.unreadable(event[1], error);
        this.#emit('error', error);
        break;
      }
      case 'ack':
        this.#stored(event[1], event[2], event[3]);
        this.lastError = undefined;
        if (this.#events.has('ack')) this.#emit('ack', { name: event[1], revision: toBigInt(event[2]) });
        break;
      case 'settled':
        this.settled = event[1];
        break;
      case 'rejected': {
        const error = refusal(event[2], event[3], event[1]);
        this.waiters.refuse(error, event[4]);
        this.#emit('error', error);
        break;
      }
      case 'conflict':
        this.#emit('conflict', { name: event[1], kind: event[2], path: event[3], message: event[4] });
        break;
      case 'regression':
        this.losses++;
        this.#emit('regression', { name: event[1], previous: BigInt(event[2]), revision: BigInt(event[3]) });
        break;
      case 'connect':
        this.state = 'connected';
        this.lastError = undefined;
        this.#emit('connect', undefined);
        break;
      case 'disconnect':
        this.state = 'disconnected';
        this.lastError = refusal(event[1], event[2]);
        this.#emit('disconnect', this.lastError);
        break;
      case 'ready':
        this.ready = true;
        break;
      case 'refreshed':
        this.refreshing.delete(event[1]);
        break;
      case 'lifetime':
      case 'replicated':
        this.answers.give(event[0], event[1], event[2], event[3] ? refusal(event[3], event[4]) : undefined);
        break;
      case 'incremented': {
        const [kind, number, value, code, message] = event;
        this.answers.give(kind, number, value ?? 0, value === null ? noSum(code, message) : undefined);
        break;
      }
      case 'committed':
        this.answers.give('committed', event[1], undefined);
        break;
      case 'aborted':
        this.answers.give('committed', event[1], undefined, refusal(event[2], event[3]));
        break;
      case 'error':
        this.lastError = refusal(event[2], event[3]);
        this.#emit('error', this.lastError);
        break;
    }
  }

  #emit<E extends keyof EventMap>(event: E, payload: EventMap[E]): void {
    this.#emissions.push(() => this.#events.emit(event, payload));
  }

  /** Somebody else has changed the attribute. */
  #arrived(name: string, revision: string | null, bytes: number): void {
    this.#stored(name, revision, bytes);
    this.#feed.revision = this.#feed.isWanted ? toBigInt(revision) : undefined;
    if (this.#mirror.check !== undefined) this.#unchecked.add(name);
  }

  /** This is what the server has. */
  #stored(name: string, revision: string | null, bytes: number): void {
    if (revision === null) this.revisions.delete(name);
    else this.revisions.set(name, revision);
    this.#limits.document(name, bytes);
  }

  /** What others made of an attribute may not be what its schema takes. It is there all the same. */
  #checkOthers(): void {
    for (const name of this.#unchecked) {
      const error = this.#mirror.has(name) ? this.#mirror.check?.(name, this.#mirror.snapshot(name)) : undefined;
      if (error !== undefined) this.#emit('error', error);
    }
    this.#unchecked.clear();
  }
}

/** Why nobody knows what an increment led to. */
function noSum(code: string | undefined, message: string | undefined): SyncedMemoryError {
  const unknown = 'it was added, but the answer that said to what was lost';
  return code ? refusal(code, message) : syncedError('ERR_OUTCOME_UNKNOWN', unknown);
}

/** What the core, or the server, has refused. */
function refusal(code: string, message = '', attribute?: string): SyncedMemoryError {
  const text = attribute === undefined ? message : `${attribute}: ${message}`;
  return new SyncedMemoryError(code, text, { attribute });
}

/** The revision, where there is one. */
export function toBigInt(revision: string | null | undefined): bigint | undefined {
  return revision == null ? undefined : BigInt(revision);
}
