import type { Change, Conflict, EventMap, Moot, SyncedMemoryError } from 'synced-memory';
import { type InspectedMemory, writerName } from '../inspected-memory.js';
import { previewValue } from '../print-value.js';
import type { Incident } from '../protocol.js';
import { estimate } from '../tree/estimate.js';
import { findNearest, pathText } from '../tree/find-value.js';
import { ChangeLog } from './change-log.js';
import { Rates } from './rates.js';
import { Ring } from './ring.js';

/** Number of incidents that are kept. */
const MAX_INCIDENTS = 500;
const MAX_MESSAGE = 1000;
/** The longest text of a value. */
const MAX_PRINTED = 240;
/** Number of attributes of which the last writer is kept. */
const MAX_WRITERS = 20_000;
/** How the last page left is bridged, in milliseconds: a reload must not lose the changes in between. */
const LINGER_MS = 15_000;

type Timer = ReturnType<typeof setTimeout>;

/** The functions that a recorder calls. */
export interface RecorderCalls {
  /** After each event. */
  onNews(): void;
  /** An attribute was deleted. */
  onDelete(name: string): void;
  /** Before `onNews`, where the status may be another one. */
  onIncident(): void;
}

/**
 * Records what happens in a memory: incidents always, changes while a page is open, because describing a change costs the process
 * that makes it.
 */
export class Recorder {
  readonly changes = new ChangeLog();
  readonly rates = new Rates();
  readonly incidents = new Ring<Incident>(MAX_INCIDENTS);
  /** Grows when an attribute appears or goes away. */
  namesVersion = 0;
  readonly #memory: InspectedMemory;
  readonly #calls: RecorderCalls;
  readonly #writers = new Map<string, string>();
  #pages = 0;
  #stopRecording: (() => void) | undefined;
  #lingering: Timer | undefined;

  constructor(memory: InspectedMemory, calls: RecorderCalls) {
    this.#memory = memory;
    this.#calls = calls;
    this.#listen('conflict', (conflict) => {
      this.rates.count('conflicts');
      this.#addIncident('conflict', mergeText(conflict), conflict.name, this.#textThere(conflict));
    });
    this.#listen('moot', (moot) => this.#addIncident('moot', mergeText(moot), moot.name, this.#textThere(moot)));
    this.#listen('regression', ({ name, previous, revision }) => {
      this.#addIncident('regression', `the server lost data: revision ${previous} became ${revision}`, name);
    });
    this.#listen('error', (error) => this.#addError('error', error));
    this.#listen('warning', (error) => this.#addError('warning', error));
    this.#listen('disconnect', (error) => this.#addError('disconnect', error));
    this.#listen('connect', () => this.#addIncident('connect', 'the server is reachable'));
  }

  /** True while changes are recorded. */
  get isRecording(): boolean {
    return this.#stopRecording !== undefined;
  }

  /** The last writer of an attribute that was seen. */
  writerOf(name: string): string | undefined {
    return this.#writers.get(name);
  }

  /** Records changes until the returned function is called. */
  addPage(): () => void {
    this.#pages++;
    clearTimeout(this.#lingering);
    this.#stopRecording ??= this.#record();
    let isThere = true;
    return () => {
      if (!isThere) return;
      isThere = false;
      if (--this.#pages > 0) return;
      this.#lingering = setTimeout(() => {
        this.#stopRecording?.();
        this.#stopRecording = undefined;
      }, LINGER_MS);
      unref(this.#lingering);
    };
  }

  #record(): () => void {
    const stopChanges = this.#listen('change', (change) => this.#addChange(change));
    const stopAcks = this.#listen('ack', ({ name }) => this.rates.acknowledged(name));
    return () => {
      stopChanges();
      stopAcks();
    };
  }

  #addChange(change: Change): void {
    this.changes.add(change);
    const { name, origin, path, kind } = change;
    this.rates.count(origin);
    if (change.value !== undefined) this.rates.count('bytes', estimate(change.value).size);
    if (origin === 'local') this.rates.mutated(name);
    const writer = writerName(change);
    if (writer !== undefined && this.#writers.size < MAX_WRITERS) this.#writers.set(name, writer);
    const isReplaced = kind === 'set' && change.oldValue !== undefined;
    if (path.length > 1 || isReplaced) return;
    this.namesVersion++;
    if (kind === 'delete') this.#calls.onDelete(name);
  }

  #addError(kind: Incident['kind'], error: SyncedMemoryError): void {
    this.#addIncident(kind, `${error.code}: ${error.message}`, error.attribute);
  }

  /** Describes the value at the place of a mutation now, or at the nearest place above it that is still there. */
  #textThere({ name, path }: Conflict | Moot): string {
    const [place, value] = findNearest(this.#memory, [name, ...path]);
    return value === undefined ? `${name} is gone` : `${pathText(place)} is ${previewValue(value, MAX_PRINTED)}`;
  }

  #addIncident(kind: Incident['kind'], text: string, name?: string, there?: string): void {
    const message = text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
    const last = this.incidents.get(this.incidents.last);
    const isRepeated =
      last !== undefined &&
      last.kind === kind &&
      last.message === message &&
      last.name === name &&
      last.there === there;
    const times = isRepeated ? last.times + 1 : 1;
    const about = { ...(name !== undefined && { name }), ...(there !== undefined && { there }) };
    const entry = { time: Date.now(), kind, message, times, ...about };
    if (isRepeated) this.incidents.replaceLast({ ...entry, number: last.number });
    else this.incidents.add((number) => ({ ...entry, number }));
    this.namesVersion++;
    this.#calls.onIncident();
  }

  #listen<E extends keyof EventMap>(event: E, listener: (payload: EventMap[E]) => void): () => void {
    const observe = (payload: EventMap[E]) => {
      listener(payload);
      this.#calls.onNews();
    };
    // An event without any other listener is still printed.
    return this.#memory.$on(event, observe, undefined, { passive: true });
  }
}

/** A mutation that was dropped or had nothing left to do, its place, and the reason: `set in tasks[3]: …`. */
function mergeText({ name, kind, path, message }: Conflict | Moot): string {
  return `${kind} in ${pathText([name, ...path])}: ${message}`;
}

/** Lets the process end in spite of a timer, where the runtime can. */
export function unref(timer: unknown): void {
  (timer as { unref?(): void }).unref?.();
}
