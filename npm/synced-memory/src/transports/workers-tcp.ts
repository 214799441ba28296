import type { Transport } from '../transport.js';
import { type Socket, TcpTransport } from './tcp.js';

export type { Socket };

export interface WorkersTcpOptions {
  hostname: string;
  port?: number;
  username?: string;
  password?: string;
  database?: number;
  /** Encrypt; false without it. */
  tls?: boolean;
  /**
   * Hear what others commit as they do it, over a second connection; false without it: then it shows with `$sync()`. For
   * memories that outlive a request, as in a Durable Object.
   */
  live?: boolean;
  /** What makes the socket; that of `cloudflare:sockets` without it. */
  connect?: Connect;
}

/** `connect` of `cloudflare:sockets`, or something that does the same. */
export type Connect = (
  address: { hostname: string; port: number },
  options: { secureTransport: 'on' | 'off'; allowHalfOpen: false },
) => Socket | Promise<Socket>;

/** A server over TCP from a Cloudflare Worker. Sockets belong to a request: make one in each. */
export function workersTcp(options: WorkersTcpOptions): Transport {
  const { hostname, port = 6379, username, password, database, tls = false, live = false } = options;
  const socket = async (): Promise<Socket> => {
    const connect = options.connect ?? (await socketsOfCloudflare());
    return connect({ hostname, port }, { secureTransport: tls ? 'on' : 'off', allowHalfOpen: false });
  };
  return new TcpTransport(socket, { username, password, database }, live);
}

async function socketsOfCloudflare(): Promise<Connect> {
  // @ts-expect-error -- only there
  const { connect } = await import('cloudflare:sockets');
  return connect;
}
