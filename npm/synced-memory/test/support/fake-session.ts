import type { CoreSession, RestoredState, SessionFactory } from '../../src/engine/engine.js';
import type { CoreEvent } from '../../src/sync/core-event.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A session of the core that records its calls, and has the events that a test gives it. */
export class FakeSession implements CoreSession {
  /** The calls that can change the session, in order. */
  readonly calls: string[] = [];
  #events: CoreEvent[] = [];
  #wake = (): void => {};
  #requests = 0;

  /** A factory whose only session is this one. */
  readonly factory: SessionFactory = {
    open: (_, wake) => {
      this.#wake = wake;
      return this;
    },
  };

  /** Delivers events, as the engine does outside of any call. */
  emit(...events: CoreEvent[]): void {
    this.#events.push(...events);
    this.#wake();
  }

  /** Removes and returns the calls. */
  take(): string[] {
    return this.calls.splice(0);
  }

  restored(): RestoredState {
    return { mutations: 0, names: [] };
  }

  submit(batch: string): void {
    this.calls.push(`submit ${batch}`);
  }

  check(mutation: string): void {
    this.calls.push(`check ${mutation}`);
  }

  refresh(names?: readonly string[]): number {
    return this.#request(`refresh ${names ?? 'all'}`);
  }

  replicate(wanted: number): number {
    return this.#request(`replicate ${wanted}`);
  }

  expire(name: string, ms: number): number {
    return this.#request(`expire ${name} ${ms}`);
  }

  persist(name: string): number {
    return this.#request(`persist ${name}`);
  }

  ttl(name: string): number {
    return this.#request(`ttl ${name}`);
  }

  writers(): number {
    return this.#request('writers');
  }

  history(name: string, limit: number): number {
    return this.#request(`history ${name} ${limit}`);
  }

  valueAt(name: string, revision: bigint): number {
    return this.#request(`valueAt ${name} ${revision}`);
  }

  #request(call: string): number {
    this.calls.push(call);
    return ++this.#requests;
  }

  hasUnwrittenJournal(): boolean {
    return false;
  }

  pendingBytes(): number {
    return 1000;
  }

  sideKeys() {
    return { pattern: 'sm:*:w', count: 0, bytes: 0, seconds: 0, secondsAfterClose: 0 };
  }

  release(): boolean {
    return false;
  }

  capabilities() {
    return { topology: 'memory', resp: null, deltas: true, changes: 'none' } as const;
  }

  drain(): string[] {
    return this.#events.length === 0 ? [] : [`=${JSON.stringify(this.#events.splice(0))}`];
  }

  wait(isDone: () => boolean): boolean {
    return isDone();
  }

  close(): void {
    this.calls.push('close');
  }
}

/** A clock for tests whose random numbers are always 0.5. */
export function testClock(): VirtualClock {
  return new VirtualClock(0, () => 0.5);
}
