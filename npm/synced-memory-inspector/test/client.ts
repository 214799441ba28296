import type { RequestHandler } from 'synced-memory-inspector';
import type {
  ChangesReply,
  EditReply,
  ErrorReply,
  Hello,
  Incident,
  ProcessStatus,
  RatePoint,
  Row,
  RowsReply,
  SearchReply,
  StreamMessage,
  TextReply,
  Tick,
} from '../src/protocol.js';

const url = 'http://localhost:3000/admin/inspector';

/** Sends a POST request as the page does. */
export function post(handler: RequestHandler, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
  return handler(new Request(url, { ...init, headers: { 'content-type': 'application/json', ...headers } }));
}

/** Sends requests, and gives their answers or errors. */
export class Client {
  constructor(readonly handler: RequestHandler) {}

  async ask<T>(body: object): Promise<T> {
    return (await post(this.handler, body)).json();
  }

  /** The error of a request that must fail, with the status of the response. */
  async error(body: object): Promise<ErrorReply['error'] & { status: number }> {
    const response = await post(this.handler, body);
    return { status: response.status, ...((await response.json()) as ErrorReply).error };
  }

  rows(request: object = {}): Promise<RowsReply> {
    return this.ask({ op: 'rows', filter: '', open: [], from: 0, count: 100, ...request });
  }

  async row(...path: (string | number)[]): Promise<Row | undefined> {
    const open = path.slice(1).map((_, depth) => path.slice(0, depth + 1));
    const { rows } = await this.rows({ open });
    return rows.find((row) => JSON.stringify(row.path) === JSON.stringify(path));
  }

  text = (...path: (string | number)[]) => this.ask<TextReply>({ op: 'text', path });
  search = (text: string) => this.ask<SearchReply>({ op: 'search', text });
  changes = (request: object = {}) => this.ask<ChangesReply>({ op: 'changes', count: 100, ...request });
  edit = (request: object) => this.ask<EditReply & ErrorReply>({ op: 'edit', ...request });
  undo = (edit: string | undefined) => this.ask<EditReply & ErrorReply>({ op: 'undo', edit });

  /** Opens the stream of events. */
  async events(): Promise<Events> {
    const { body } = await post(this.handler, { op: 'events' });
    return new Events(body as ReadableStream<Uint8Array>);
  }
}

/** The stream of one page. */
export class Events implements AsyncDisposable {
  readonly incidents: Incident[] = [];
  readonly points: RatePoint[] = [];
  status: ProcessStatus | undefined;
  /** The number of all bytes so far. */
  bytes = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = '';

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next message; undefined at the end. */
  async next(): Promise<StreamMessage | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n');
      if (end >= 0) {
        const message = JSON.parse(this.#rest.slice(0, end)) as StreamMessage;
        this.#rest = this.#rest.slice(end + 1);
        if (message.type !== 'heartbeat') this.#collect(message);
        return message;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.bytes += value.length;
      this.#rest += new TextDecoder().decode(value);
    }
  }

  #collect({ incidents = [], points = [], status = this.status }: Hello | Tick): void {
    this.incidents.push(...incidents);
    this.points.push(...points);
    this.status = status;
  }

  /** Reads until a message fulfils a condition. */
  async until(isMet: (message: StreamMessage) => boolean): Promise<StreamMessage> {
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error('the stream has ended');
      if (isMet(message)) return message;
    }
  }

  /** Reads until what has arrived fulfils a condition. */
  async untilSeen(isMet: () => boolean): Promise<void> {
    if (!isMet()) await this.until(isMet);
  }

  /** Reads until there is an incident of this kind. */
  async incident(kind: Incident['kind']): Promise<Incident> {
    const found = () => this.incidents.find((incident) => incident.kind === kind);
    await this.untilSeen(() => found() !== undefined);
    return found() as Incident;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}
