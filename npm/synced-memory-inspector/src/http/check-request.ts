import { RequestFailure } from '../failure.js';

/**
 * Throws where a page of another origin makes the request. Browsers name the origin of every POST request, and let no page send
 * JSON to another origin unasked.
 */
export function checkOrigin(request: Request, origins: readonly string[]): void {
  if (request.method !== 'POST') return;
  const origin = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site') ?? 'same-origin';
  const isOwn = origin === null || isSameHost(origin, request) || origins.includes(origin);
  if (isOwn && (site === 'same-origin' || site === 'none' || origins.length > 0)) return;
  throw new RequestFailure(403, 'ERR_ORIGIN', `the inspector serves its own page only, not ${origin ?? site}`);
}

/** Compares without the scheme: behind a proxy that ends TLS, the request has another one. */
function isSameHost(origin: string, request: Request): boolean {
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return host === new URL(request.url).host || host === request.headers.get('host');
}

/** The JSON value of a request's body. Throws where it is none, or longer than so many bytes. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new RequestFailure(415, 'ERR_REQUEST', 'send application/json');
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new RequestFailure(413, 'ERR_TOO_LARGE', `a request has at most ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  try {
    return JSON.parse(text + decoder.decode());
  } catch {
    throw new RequestFailure(400, 'ERR_REQUEST', 'the body is not JSON');
  }
}
