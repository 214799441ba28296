import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from './inspector.js';

/** A request of Node's `http`; `originalUrl` and `body` are what frameworks add. */
type NodeRequest = IncomingMessage & { originalUrl?: string; body?: unknown };

/** Makes a listener for Node's `http`, and for frameworks that are built on it. */
export function nodeListener(handler: RequestHandler): (request: NodeRequest, response: ServerResponse) => void {
  return (request, response) => {
    const abort = new AbortController();
    response.once('close', () => abort.abort());
    serve(handler, request, response, abort).catch(() => response.destroy());
  };
}

async function serve(
  handler: RequestHandler,
  request: NodeRequest,
  response: ServerResponse,
  abort: AbortController,
): Promise<void> {
  const answer = await handler(toRequest(request, abort.signal));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null || request.method === 'HEAD') return void response.end();
  const reader = answer.body.getReader();
  // A page that goes away ends its stream.
  abort.signal.addEventListener('abort', () => void reader.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!response.write(value)) await drained(response, abort.signal);
  }
  response.end();
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function toRequest(request: NodeRequest, signal: AbortSignal): Request {
  const scheme = 'encrypted' in request.socket ? 'https' : 'http';
  const url = new URL(request.originalUrl ?? request.url ?? '/', `${scheme}://${request.headers.host ?? 'localhost'}`);
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    // HTTP/2 has the method and the path among the headers.
    if (name.startsWith(':')) continue;
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  const method = request.method ?? 'GET';
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal });
  return new Request(url, { method, headers, signal, body: bodyOf(request), duplex: 'half' } as RequestInit);
}

/** The body, also where a framework has parsed it already. */
function bodyOf(request: NodeRequest): BodyInit {
  // Node's Request takes any asynchronous iterable.
  if (request.body === undefined) return request as unknown as BodyInit;
  return typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
}
