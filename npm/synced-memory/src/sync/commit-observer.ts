import type { SyncedMemoryError } from '../base/errors.js';
import { isObserved, publishEnd, publishStart, type TelemetryChannels } from '../base/telemetry.js';
import type { CommitTrace, TraceSource } from '../base/traces.js';

/** Mutations of one attribute that were submitted together, while they are observed. */
interface ObservedCommit {
  readonly context: CommitTrace;
  /** Number of the last mutation. */
  readonly last: number;
}

/** Publishes on the channel `synced-memory:commit`, while something subscribes. */
export class CommitObserver {
  readonly #channel: TelemetryChannels['commit'] | undefined;
  readonly #source: TraceSource;
  /** The commits that have not ended, in the order in which they were submitted. */
  #open: ObservedCommit[] = [];

  constructor(channels: TelemetryChannels | undefined, source: TraceSource) {
    this.#channel = channels?.commit;
    this.#source = source;
  }

  /** Called before a batch is submitted as this text, of which `preceding` is the number of the last mutation before it. */
  submit(text: string, preceding: number): void {
    const channel = this.#channel;
    if (channel === undefined || !isObserved(channel)) return;
    for (const { name, isGroup, count, last, bytes } of commitsOf(text, preceding)) {
      const context: CommitTrace = { ...this.#source, attribute: name, mutations: count, bytes, isGroup };
      this.#open.push({ context, last });
      publishStart(channel, context);
    }
  }

  /** All mutations of the attribute up to this number are acknowledged. */
  acknowledge(name: string, revision: string | null, documentBytes: number, last: number, attempts: number): void {
    this.#end((commit) => commit.context.attribute === name && commit.last <= last, {
      outcome: 'acknowledged',
      attempts,
      documentBytes,
      ...(revision !== null && { revision }),
    });
  }

  /** The mutations of the attribute from this number on were rejected. */
  reject(name: string, first: number, error: SyncedMemoryError): void {
    this.#end((commit) => commit.context.attribute === name && commit.last >= first, { outcome: 'rejected', error });
  }

  /** All mutations up to this number are settled. */
  settle(number: number): void {
    this.#end((commit) => commit.last <= number, { outcome: 'dropped' });
  }

  /** The memory is closed. */
  close(): void {
    this.#end(() => true, { outcome: 'unknown' });
  }

  #end(isEnded: (commit: ObservedCommit) => boolean, result: Partial<CommitTrace>): void {
    if (this.#open.length === 0) return;
    const ended = this.#open.filter(isEnded);
    this.#open = this.#open.filter((commit) => !isEnded(commit));
    for (const { context } of ended) {
      if (this.#channel !== undefined) publishEnd(this.#channel, Object.assign(context, result));
    }
  }
}

interface BatchPart {
  readonly name: string;
  readonly isGroup: boolean;
  count: number;
  last: number;
  bytes: number;
}

/** The mutations of a batch by attribute. */
function commitsOf(text: string, preceding: number): Iterable<BatchPart> {
  const parts = new Map<string, BatchPart>();
  let number = preceding;
  for (const entry of JSON.parse(text) as unknown[][]) {
    const isGroup = entry[0] === 'group';
    for (const mutation of isGroup ? (entry[5] as unknown[][]) : [entry]) {
      number++;
      const name = mutation[1] as string;
      const part = parts.get(name) ?? { name, isGroup, count: 0, last: 0, bytes: 0 };
      parts.set(name, part);
      part.count++;
      part.last = number;
      part.bytes += JSON.stringify(mutation).length;
    }
  }
  return parts.values();
}
