import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Engine } from '../binding.js';
import type { Settings } from '../options.js';
import type { Transport } from '../transport.js';
import { type Socket, TcpTransport } from '../transports/tcp.js';
import { start } from './core.js';
import { wasmEngine } from './engine.js';
import { inProcess, noTransport } from './in-process.js';
import { loadModule } from './load-inline.js';

let starting: Promise<void> | undefined;

/** The wasm build in a process, with sockets of its own: for the condition `synced-memory-wasm`. */
export const engine: Engine = wasmEngine({
  start: () => (starting ??= loadModule().then(start)),
  transport: (settings) => inProcess(settings.url) ?? tcp(settings),
});

function tcp(settings: Settings): Transport {
  const match = /^(redis|rediss|redis\+unix):/i.exec(settings.url);
  if (match === null || !URL.canParse(settings.url)) noTransport(settings, 'memory:, redis:, rediss: and redis+unix:');
  const url = new URL(settings.url);
  const decoded = (text: string): string | undefined => (text === '' ? undefined : decodeURIComponent(text));
  const host = url.hostname.replace(/^\[|\]$/g, '') || 'localhost';
  const port = Number(url.port || 6379);
  const isUnix = url.protocol === 'redis+unix:';
  const socket = async (): Promise<Socket> => {
    const stream = isUnix
      ? connectTcp(decodeURIComponent(url.pathname))
      : url.protocol === 'rediss:'
        ? connectTls({ host, port, servername: host })
        : connectTcp(port, host);
    // An open memory does not keep the process alive; what is pending does.
    stream.unref();
    stream.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      stream.once(url.protocol === 'rediss:' ? 'secureConnect' : 'connect', resolve);
      stream.once('error', reject);
    });
    return Duplex.toWeb(stream) as unknown as Socket;
  };
  const path = isUnix ? (url.searchParams.get('db') ?? '') : url.pathname.slice(1);
  const login = {
    username: decoded(url.username),
    password: decoded(url.password),
    database: Number(path || 0),
  };
  return new TcpTransport(socket, login, true);
}
