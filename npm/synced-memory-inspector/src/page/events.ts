import { signal } from '@preact/signals';
import type { Incident, ProcessStatus, RatePoint, StreamMessage } from '../protocol.js';
import { type RequestError, send } from './request.js';

/** Seconds that the plots show. */
export const PLOT_SECONDS = 120;
const MAX_INCIDENTS = 500;
/** A stream that is silent for so long is dead, in milliseconds; it has a heartbeat every fifteen seconds. */
const SILENCE_MS = 40_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 5000;

/** `refused`: the handler does not know the token any more. */
export const link = signal<'connecting' | 'live' | 'lost' | 'refused'>('connecting');
export const canWrite = signal(false);
export const hasWriters = signal(false);
export const hasHistory = signal(false);
/** Grows when the rows may look different. */
export const version = signal(0);
/** Number of the newest change. */
export const lastChange = signal(0);
/** Names the recording; numbers of another one mean other changes. */
export const recording = signal('');
export const status = signal<ProcessStatus | undefined>(undefined);
export const incidents = signal<readonly Incident[]>([]);
export const points = signal<readonly RatePoint[]>([]);

/** Follows the events of the handler for as long as the page is open. */
export async function followEvents(): Promise<void> {
  let delay = FIRST_RETRY_MS;
  for (;;) {
    try {
      await followOnce(() => {
        delay = FIRST_RETRY_MS;
      });
      link.value = 'lost';
    } catch (error) {
      link.value = (error as RequestError).code === 'ERR_UNAUTHORIZED' ? 'refused' : 'lost';
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
    delay = Math.min(delay * 2, MAX_RETRY_MS);
  }
}

async function followOnce(onOpen: () => void): Promise<void> {
  const abort = new AbortController();
  let silence = setTimeout(() => abort.abort(), SILENCE_MS);
  try {
    const response = await send({ op: 'events' }, abort.signal);
    onOpen();
    for await (const line of linesOf(response.body as ReadableStream<Uint8Array>)) {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE_MS);
      receive(JSON.parse(line) as StreamMessage);
    }
  } finally {
    clearTimeout(silence);
    abort.abort();
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function receive(message: StreamMessage): void {
  if (message.type === 'heartbeat') return;
  if (message.type === 'hello') {
    link.value = 'live';
    canWrite.value = message.canWrite;
    hasWriters.value = message.hasWriters;
    hasHistory.value = message.hasHistory;
    recording.value = message.instance;
    status.value = message.status;
    incidents.value = message.incidents;
    points.value = message.points;
    // The rows may have changed while the page did not follow.
    version.value = -1;
    return;
  }
  version.value = message.version;
  lastChange.value = message.lastChange;
  if (message.status) status.value = message.status;
  if (message.points) points.value = [...points.value, ...message.points].slice(-PLOT_SECONDS);
  if (message.incidents) incidents.value = joinIncidents(incidents.value, message.incidents);
}

/** Adds incidents; one that was repeated takes the place of the earlier one. */
function joinIncidents(known: readonly Incident[], news: readonly Incident[]): readonly Incident[] {
  const first = news[0]?.number ?? 0;
  return [...known.filter(({ number }) => number < first), ...news].slice(-MAX_INCIDENTS);
}
