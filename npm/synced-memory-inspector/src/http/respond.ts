import { html, scriptSource, styleSource } from 'virtual:page';
import { RequestFailure } from '../failure.js';
import type { ErrorReply } from '../protocol.js';

/** The page runs its own script and style, sends requests to its own origin, and does nothing else. */
const policy = [
  "default-src 'none'",
  `script-src ${scriptSource}`,
  `style-src ${styleSource}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const commonHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

export function pageResponse(): Response {
  const headers = {
    ...commonHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin',
    'x-frame-options': 'DENY',
  };
  return new Response(html, { headers });
}

export function jsonResponse(value: unknown, status = 200): Response {
  const headers = { ...commonHeaders, 'content-type': 'application/json; charset=utf-8' };
  return new Response(JSON.stringify(value), { status, headers });
}

/** A stream of JSON lines. */
export function streamResponse(stream: ReadableStream<Uint8Array>): Response {
  // Some proxies hold a response back until it is whole, unless this header forbids it.
  const headers = { ...commonHeaders, 'content-type': 'application/x-ndjson', 'x-accel-buffering': 'no' };
  return new Response(stream, { headers });
}

/** The response to a request that cannot be done. */
export function errorResponse(error: unknown): Response {
  const { status, code, message, details } = toFailure(error);
  return jsonResponse({ error: { code, message, ...details } } satisfies ErrorReply, status);
}

function toFailure(error: unknown): RequestFailure {
  if (error instanceof RequestFailure) return error;
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  // Errors of the memory are for the user of the page.
  if (typeof code === 'string' && code.startsWith('ERR_')) return new RequestFailure(409, code, String(message));
  return new RequestFailure(500, 'ERR_INTERNAL', String(message ?? error));
}
