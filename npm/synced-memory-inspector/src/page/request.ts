import type {
  AtRequest,
  ChangesReply,
  ChangesRequest,
  EditReply,
  EditRequest,
  ErrorReply,
  EventsRequest,
  HistoryReply,
  HistoryRequest,
  RestoreRequest,
  RowsReply,
  RowsRequest,
  SearchReply,
  SearchRequest,
  TextReply,
  TextRequest,
  UndoRequest,
  WritersRequest,
} from '../protocol.js';

/** The answer to each kind of request. */
interface Replies {
  rows: [RowsRequest, RowsReply];
  text: [TextRequest, TextReply];
  search: [SearchRequest, SearchReply];
  changes: [ChangesRequest, ChangesReply];
  edit: [EditRequest, EditReply];
  undo: [UndoRequest, EditReply];
  writers: [WritersRequest, readonly Record<string, unknown>[]];
  history: [HistoryRequest, HistoryReply];
  at: [AtRequest, TextReply];
  restore: [RestoreRequest, object];
}

/** A request that the handler has refused, or that did not reach it. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: string;
  readonly offset: number | undefined;
  readonly current: string | undefined;

  constructor({ code, message, offset, current }: ErrorReply['error']) {
    super(message);
    this.code = code;
    this.offset = offset;
    this.current = current;
  }
}

const token = new URLSearchParams(location.search).get('token');

/** Sends a request to the handler of this page. Rejects with {@link RequestError}. */
export async function send(
  request: EventsRequest | Replies[keyof Replies][0],
  signal?: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  const url = location.pathname + location.search;
  const body = JSON.stringify(request);
  const response = await fetch(url, { method: 'POST', headers, body, ...(signal && { signal }) }).catch(() => {
    throw new RequestError({ code: 'ERR_UNREACHABLE', message: 'the process that serves this page is away' });
  });
  if (response.ok) return response;
  throw new RequestError(await readError(response));
}

async function readError(response: Response): Promise<ErrorReply['error']> {
  try {
    return ((await response.json()) as ErrorReply).error;
  } catch {
    return { code: 'ERR_INTERNAL', message: `the server answered ${response.status}` };
  }
}

/** Sends a request and resolves to the answer. */
export async function ask<K extends keyof Replies>(
  request: Extract<Replies[K][0], { op: K }>,
  signal?: AbortSignal,
): Promise<Replies[K][1]> {
  return (await send(request, signal)).json();
}
