import type { Transport } from '../engine/transport.js';
import { type Socket, TcpTransport } from './tcp.js';

export type { Socket };

/** Options of {@link workersTcp}. */
export interface WorkersTcpOptions {
  hostname: string;
  /** Default: 6379. */
  port?: number;
  username?: string;
  password?: string;
  /** Number of the database. Default: 0. */
  database?: number;
  /** Encrypts the connection. Default: false. */
  tls?: boolean;
  /**
   * Receives commits of other writers at once, over a second connection. For memories that outlive a request, as in a Durable
   * Object. Default: false; `$sync()` finds such commits.
   */
  live?: boolean;
  /** Opens the socket. Default: `connect` of `cloudflare:sockets`. */
  connect?: Connect;
}

/** `connect` of `cloudflare:sockets`, or a function that does the same. */
export type Connect = (
  address: { hostname: string; port: number },
  options: { secureTransport: 'on' | 'off'; allowHalfOpen: false },
) => Socket | Promise<Socket>;

/** A transport over TCP from a Cloudflare Worker. A socket belongs to one request, so each request needs a transport of its own. */
export function workersTcp(options: WorkersTcpOptions): Transport {
  const { hostname, port = 6379, username, password, database, tls = false, live = false } = options;
  const socket = async (): Promise<Socket> => {
    const connect = options.connect ?? (await importConnect());
    return connect({ hostname, port }, { secureTransport: tls ? 'on' : 'off', allowHalfOpen: false });
  };
  return new TcpTransport(socket, { username, password, database }, live);
}

async function importConnect(): Promise<Connect> {
  // @ts-expect-error -- this module exists in Workers only
  const { connect } = await import('cloudflare:sockets');
  return connect;
}
