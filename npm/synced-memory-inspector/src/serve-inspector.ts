import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InspectedMemory } from './inspected-memory.js';
import { inspector } from './inspector.js';
import { nodeListener } from './node-listener.js';

/** Options of {@link serveInspector}. */
export interface ServeOptions {
  /** Whether the page can change values. Default: false. */
  write?: boolean;
  /** The port on 127.0.0.1. Default: any free one. */
  port?: number;
}

/** A page that is being served. */
export interface ServedInspector {
  /** The URL of the page, with the token. */
  readonly url: string;
  /** Stops serving. The memory stays open. */
  close(): Promise<void>;
}

/**
 * Serves the page on 127.0.0.1 behind a random token, until `close`. Needs Node's `http`. Rejects where the port is taken.
 */
export async function serveInspector(
  memory: InspectedMemory,
  { write = false, port = 0 }: ServeOptions = {},
): Promise<ServedInspector> {
  const { createServer } = await import('node:http');
  const { randomBytes, timingSafeEqual, createHash } = await import('node:crypto');
  const token = randomBytes(24).toString('base64url');
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const isToken = (text: string | null | undefined) => timingSafeEqual(digest(text ?? ''), digest(token));
  const handler = inspector(memory, {
    write,
    authorize: ({ method, url, headers }) =>
      method === 'POST'
        ? isToken(headers.get('authorization')?.replace(/^Bearer /, ''))
        : isToken(new URL(url).searchParams.get('token')),
  });
  const listener = nodeListener(handler);
  const server = createServer((request, response) => {
    const { port: ownPort } = server.address() as AddressInfo;
    if (isOwnHost(request, ownPort) && isRoot(request)) return listener(request, response);
    refuse(request, response, ownPort);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=${token}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** False for a name that somebody else's DNS resolves to this address: the page behind it would count as the same origin. */
function isOwnHost({ headers }: IncomingMessage, port: number): boolean {
  return headers.host === `127.0.0.1:${port}` || headers.host === `localhost:${port}`;
}

const isRoot = ({ url = '' }: IncomingMessage): boolean => url === '/' || url.startsWith('/?');

function refuse(request: IncomingMessage, response: ServerResponse, port: number): void {
  const isOwn = isOwnHost(request, port);
  const [status, text] = isOwn ? [404, 'there is only /'] : [421, `the inspector is http://127.0.0.1:${port}/`];
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${text}\n`);
}
