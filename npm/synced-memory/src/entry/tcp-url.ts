import { connect as connectTcp, isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { optionsError } from '../base/errors.js';
import type { Transport } from '../engine/transport.js';
import { type Socket, TcpTransport } from '../transports/tcp.js';
import { checkParameters, unsupportedUrl } from './url-transports.js';

/**
 * The transport of a `redis:`, `rediss:` or `redis+unix:` URL over the sockets of Node. `ca` is PEM text of the authorities to trust;
 * default: Node's. Throws ERR_OPTIONS for another URL.
 */
export function tcpTransport(text: string, ca?: string): Transport {
  if (/^redis\+unix:\/\/[^/]/i.test(text)) {
    throw optionsError(
      'a redis+unix: URL has nothing between // and the path of the socket: write the login as redis+unix:///path?user=name&pass=password',
    );
  }
  const isSupported = /^(redis|rediss|redis\+unix):/i.test(text) && URL.canParse(text);
  if (!isSupported) unsupportedUrl(text, 'memory:, redis:, rediss: and redis+unix:');
  const url = new URL(text);
  const parameters = url.searchParams;
  const isUnix = url.protocol === 'redis+unix:';
  checkParameters(url, isUnix ? ['db', 'user', 'pass'] : []);
  const login = {
    username: isUnix ? (parameters.get('user') ?? undefined) : decoded(url.username),
    password: isUnix ? (parameters.get('pass') ?? undefined) : decoded(url.password),
    database: Number((isUnix ? parameters.get('db') : url.pathname.slice(1)) ?? 0),
  };
  return new TcpTransport(() => openSocket(url, ca), login, true);
}

function decoded(text: string): string | undefined {
  return text === '' ? undefined : decodeURIComponent(text);
}

async function openSocket(url: URL, ca: string | undefined): Promise<Socket> {
  const isTls = url.protocol === 'rediss:';
  const stream = connect(url, ca);
  // An open memory does not keep the process alive; pending mutations do.
  stream.unref();
  stream.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    stream.once(isTls ? 'secureConnect' : 'connect', resolve);
    stream.once('error', reject);
  });
  return Duplex.toWeb(stream) as unknown as Socket;
}

function connect(url: URL, ca: string | undefined): ReturnType<typeof connectTcp> {
  if (url.protocol === 'redis+unix:') return connectTcp(decodeURIComponent(url.pathname));
  const host = url.hostname.replace(/^\[|\]$/g, '') || 'localhost';
  const port = Number(url.port || 6379);
  if (url.protocol !== 'rediss:') return connectTcp(port, host);
  // An address cannot be the name of a server.
  return connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) });
}
