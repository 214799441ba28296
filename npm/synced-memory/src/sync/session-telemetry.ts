import type { SyncedMemoryError } from '../base/errors.js';
import { isObserved, publishEnd, publishStart, type TelemetryChannels } from '../base/telemetry.js';
import type { ConnectionTrace, MergeTrace, TraceSource } from '../base/traces.js';
import { CommitObserver } from './commit-observer.js';

/** Publishes what happens to one memory on the channels of `node:diagnostics_channel`, while something subscribes. */
export class SessionTelemetry {
  readonly commits: CommitObserver;
  readonly #channels: TelemetryChannels | undefined;
  readonly #source: TraceSource;
  /** The connection that is being made, while that is observed. */
  #connecting: ConnectionTrace | undefined;
  /** Number of conflicts and moot removals by attribute, of which the change has not come yet. */
  readonly #dropped = new Map<string, { conflicts: number; moots: number }>();

  constructor(channels: TelemetryChannels | undefined, source: TraceSource) {
    this.#channels = channels;
    this.#source = source;
    this.commits = new CommitObserver(channels, source);
    this.#startConnecting();
  }

  /** True if merges are observed. */
  get observesMerges(): boolean {
    return this.#channels !== undefined && isObserved(this.#channels.merge);
  }

  /** A pending mutation of the attribute was dropped, or meets what was gone already. */
  noteDropped(name: string, kind: 'conflict' | 'moot'): void {
    if (!this.observesMerges) return;
    const dropped = this.#dropped.get(name) ?? { conflicts: 0, moots: 0 };
    this.#dropped.set(name, dropped);
    if (kind === 'conflict') dropped.conflicts++;
    else dropped.moots++;
  }

  /** Calls `apply`, which applies so many mutations to an attribute of this length. `isMerge`: it has pending mutations. */
  merge(name: string, mutations: number, bytes: number, isMerge: boolean, apply: () => void): void {
    const dropped = this.#dropped.get(name);
    if (!isMerge && dropped === undefined) {
      apply();
      return;
    }
    this.#dropped.delete(name);
    const context: MergeTrace = {
      ...this.#source,
      attribute: name,
      mutations,
      bytes,
      ...(dropped ?? { conflicts: 0, moots: 0 }),
    };
    this.#channels?.merge.traceSync(apply, context);
  }

  /** A document of this length was read again. */
  resync(attribute: string, bytes: number): void {
    const channel = this.#channels?.resync;
    if (channel && isObserved(channel)) channel.traceSync(() => {}, { ...this.#source, attribute, bytes });
  }

  /** Mutations of the attribute were rejected; without an attribute, a transaction was. */
  reject(error: SyncedMemoryError, attribute?: string): void {
    const channel = this.#channels?.reject;
    if (channel === undefined || !isObserved(channel)) return;
    const context = { ...this.#source, ...(attribute !== undefined && { attribute }), error };
    channel.start.runStores(context, () => {
      channel.error.publish(context);
      channel.end.publish(context);
    });
  }

  #startConnecting(): void {
    const channel = this.#channels?.connection;
    if (channel === undefined || !isObserved(channel)) return;
    this.#connecting = { ...this.#source, attempts: 0 };
    publishStart(channel, this.#connecting);
  }

  /** The server is unreachable. */
  disconnected(error: SyncedMemoryError): void {
    if (this.#connecting === undefined) this.#startConnecting();
    if (this.#connecting === undefined) return;
    this.#connecting.attempts++;
    this.#connecting.error = error;
  }

  /** The server was reached. */
  connected(): void {
    // Earlier failures are counted; they are not the outcome.
    delete this.#connecting?.error;
    this.#endConnecting('connected');
  }

  /** The memory is closed. */
  close(): void {
    this.commits.close();
    this.#endConnecting('closed');
  }

  #endConnecting(outcome: 'connected' | 'closed'): void {
    const context = this.#connecting;
    this.#connecting = undefined;
    if (context && this.#channels) publishEnd(this.#channels.connection, Object.assign(context, { outcome }));
  }
}
