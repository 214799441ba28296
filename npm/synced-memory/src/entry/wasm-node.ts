import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Engine } from '../engine/engine.js';
import type { Transport } from '../engine/transport.js';
import { loadModule } from '../engine/wasm/load-inline.js';
import { wasmEngine } from '../engine/wasm/wasm-engine.js';
import { type Socket, TcpTransport } from '../transports/tcp.js';
import { checkParameters, memoryTransport, unsupportedUrl } from './url-transports.js';

/** The wasm engine of a Node process, with TCP sockets: the condition `synced-memory-wasm` selects it. */
export const engine: Engine = wasmEngine({
  loadModule,
  transport: ({ url }) => memoryTransport(url) ?? tcpTransport(url),
});

function tcpTransport(text: string): Transport {
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
  return new TcpTransport(() => openSocket(url), login, true);
}

function decoded(text: string): string | undefined {
  return text === '' ? undefined : decodeURIComponent(text);
}

async function openSocket(url: URL): Promise<Socket> {
  const isTls = url.protocol === 'rediss:';
  const stream = connect(url);
  // An open memory does not keep the process alive; pending mutations do.
  stream.unref();
  stream.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    stream.once(isTls ? 'secureConnect' : 'connect', resolve);
    stream.once('error', reject);
  });
  return Duplex.toWeb(stream) as unknown as Socket;
}

function connect(url: URL): ReturnType<typeof connectTcp> {
  if (url.protocol === 'redis+unix:') return connectTcp(decodeURIComponent(url.pathname));
  const host = url.hostname.replace(/^\[|\]$/g, '') || 'localhost';
  const port = Number(url.port || 6379);
  return url.protocol === 'rediss:' ? connectTls({ host, port, servername: host }) : connectTcp(port, host);
}
