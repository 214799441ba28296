import type { Hello, Incident, ProcessStatus, RatePoint, StreamMessage, Tick } from '../protocol.js';
import { unref } from './recorder.js';

/** The shortest time between two ticks, in milliseconds. */
const TICK_MS = 100;
/** How often the status is looked at, in milliseconds. */
const STATUS_MS = 1000;
/** The longest silence, in milliseconds. */
const HEARTBEAT_MS = 15_000;

/** The source of the messages that streams send to pages. */
export interface EventSource {
  hello(): Hello;
  status(): ProcessStatus;
  /** Number of the newest change. */
  lastChange(): number;
  /** The incidents from a number on; the last of an earlier tick may have been repeated since. */
  incidentsFrom(number: number): readonly Incident[];
  /** Ends the second for the plots. */
  endSecond(): RatePoint | undefined;
  /** Records changes until the returned function is called. */
  addPage(): () => void;
}

/** The open streams of all pages. Without pages it has no timer and does nothing. */
export class EventStreams {
  readonly #source: EventSource;
  readonly #pages = new Set<PageStream>();
  #version = 0;
  #ticking: ReturnType<typeof setTimeout> | undefined;
  #seconds: ReturnType<typeof setInterval> | undefined;

  constructor(source: EventSource) {
    this.#source = source;
  }

  /** Something has changed that pages may show. */
  notify(): void {
    this.#version++;
    if (this.#pages.size === 0 || this.#ticking !== undefined) return;
    this.#ticking = setTimeout(() => {
      this.#ticking = undefined;
      for (const page of this.#pages) page.tick(this.#version);
    }, TICK_MS);
    unref(this.#ticking);
  }

  /** Opens the stream of a page, which ends when the page cancels it. */
  open(): ReadableStream<Uint8Array> {
    const source = this.#source;
    const leave = source.addPage();
    let page: PageStream;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        page = new PageStream(controller, source);
        this.#pages.add(page);
        this.#seconds ??= setInterval(() => this.#endSecond(), STATUS_MS);
        unref(this.#seconds);
        page.tick(this.#version);
      },
      pull: () => page.resume(),
      cancel: () => {
        this.#pages.delete(page);
        leave();
        if (this.#pages.size > 0) return;
        clearInterval(this.#seconds);
        this.#seconds = undefined;
      },
    });
  }

  #endSecond(): void {
    const point = this.#source.endSecond();
    for (const page of this.#pages) page.endSecond(point);
  }
}

/** The stream of one page. Where the page reads slowly, ticks are joined: each says all that has changed since the last. */
class PageStream {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>;
  readonly #source: EventSource;
  #sentVersion = -1;
  /** The last incident that was sent. Where it is repeated, another object takes its place. */
  #sentIncident: Incident | undefined;
  #sentStatus: string;
  /** The version of a tick that waits until the page has read the last. */
  #waitingVersion: number | undefined;
  #points: RatePoint[] = [];
  #lastSent = 0;

  constructor(controller: ReadableStreamDefaultController<Uint8Array>, source: EventSource) {
    this.#controller = controller;
    this.#source = source;
    const hello = source.hello();
    this.#sentIncident = hello.incidents.at(-1);
    this.#sentStatus = JSON.stringify(hello.status);
    this.#send(hello);
  }

  tick(version: number): void {
    this.#waitingVersion = version;
    if ((this.#controller.desiredSize ?? 0) > 0) this.resume();
  }

  /** Sends the tick that waits, if there is one. */
  resume(): void {
    const version = this.#waitingVersion;
    if (version === undefined) return;
    this.#waitingVersion = undefined;
    const incidents = this.#source
      .incidentsFrom(this.#sentIncident?.number ?? 0)
      .filter((incident) => incident !== this.#sentIncident);
    const points = this.#points;
    const tick: Tick = {
      type: 'tick',
      version,
      lastChange: this.#source.lastChange(),
      ...this.#changedStatus(),
      ...(incidents.length > 0 && { incidents }),
      ...(points.length > 0 && { points }),
    };
    this.#sentVersion = version;
    this.#sentIncident = incidents.at(-1) ?? this.#sentIncident;
    this.#points = [];
    this.#send(tick);
  }

  endSecond(point: RatePoint | undefined): void {
    if (point !== undefined) this.#points.push(point);
    const hasNews = point !== undefined || JSON.stringify(this.#source.status()) !== this.#sentStatus;
    if (hasNews) this.tick(this.#waitingVersion ?? this.#sentVersion);
    else if (Date.now() - this.#lastSent > HEARTBEAT_MS) this.#send({ type: 'heartbeat' });
  }

  #changedStatus(): { status?: ProcessStatus } {
    const status = this.#source.status();
    const text = JSON.stringify(status);
    if (text === this.#sentStatus) return {};
    this.#sentStatus = text;
    return { status };
  }

  #send(message: StreamMessage): void {
    this.#lastSent = Date.now();
    this.#controller.enqueue(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  }
}
